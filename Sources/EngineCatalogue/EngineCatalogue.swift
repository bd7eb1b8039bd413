// The catalogue: every engine this build can run, one line each. A study names an engine by its descriptor's
// name; adding one is a folder of its own and a line here.

import Accounting
import BEpsilonTree
import BTree
import KeyValue
import Primitives
import SQLiteBaseline
import SimpleEngines
import Storage

/// The engines, in the order in which they are listed to a reader.
public let engineCatalogue: [EngineEntry] = [
  EngineEntry(NullEngine.descriptor, examine: { _, _ in }) { (place, set) throws(EngineError) in
    try NullEngine.open(place, parameters: set)
  },
  EngineEntry(AppendLogEngine.descriptor, examine: AppendLogEngine.examine) {
    (place, set) throws(EngineError) in
    try AppendLogEngine.open(place, parameters: set)
  },
  EngineEntry(SortedFileEngine.descriptor, examine: SortedFileEngine.examine) {
    (place, set) throws(EngineError) in
    try SortedFileEngine.open(place, parameters: set)
  },
  EngineEntry(BTreeEngine.descriptor, examine: BTreeEngine.examine) { (place, set) throws(EngineError) in
    try BTreeEngine.open(place, parameters: set)
  },
  EngineEntry(BEpsilonTreeEngine.descriptor, examine: BEpsilonTreeEngine.examine) {
    (place, set) throws(EngineError) in
    try BEpsilonTreeEngine.open(place, parameters: set)
  },
  EngineEntry(SQLiteEngine.descriptor, examine: SQLiteEngine.examine) { (place, set) throws(EngineError) in
    try SQLiteEngine.open(place, parameters: set)
  },
]

/// One engine: what it says of itself, and how it is opened.
public struct EngineEntry: Sendable {
  /// Name, summary, parameters.
  public var descriptor: EngineDescriptor
  /// Opens the engine; the parameters are complete and checked.
  public var open:
    @Sendable (_ environment: EngineEnvironment, _ parameters: ParameterSet) throws(EngineError) -> any Engine

  /// Looks at an image without changing it: every block the engine can reach, its checksum, its level and fill, and the
  /// extents it claims. What is wrong with the bytes goes into the report; only a failing device throws. Nil for an
  /// engine that does not know how: then an image is checked up to the engine's root.
  public var examine: Examine?

  /// What `examine` is.
  public typealias Examine = @Sendable (EngineImage, inout StructureReport) throws(StorageError) -> Void

  /// An entry for the catalogue.
  public init(
    _ descriptor: EngineDescriptor, examine: Examine? = nil,
    open: @escaping @Sendable (EngineEnvironment, ParameterSet) throws(EngineError) -> any Engine
  ) {
    self.descriptor = descriptor
    self.examine = examine
    self.open = open
  }

  /// The parameters that have a default, at their default.
  public var defaultParameters: ParameterSet {
    var set = ParameterSet()
    for parameter in descriptor.parameters { set[parameter.name] = parameter.defaultValue }
    return set
  }
}

/// The engine of this name, nil when there is none.
public func engineEntry(named name: String) -> EngineEntry? {
  engineCatalogue.first { $0.descriptor.name == name }
}

/// The name in the catalogue that is closest to `name`, for "did you mean …"; nil when none is close.
public func nearestEngineName(to name: String) -> String? {
  nearestName(to: name, in: engineCatalogue.map(\.descriptor.name))
}
