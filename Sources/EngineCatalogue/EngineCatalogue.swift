// The catalogue: every engine this build can run, one line each. A study names an engine by its descriptor's
// name; adding one is a folder of its own and a line here.

import Accounting
import BTree
import KeyValue
import Primitives
import SQLiteBaseline
import SimpleEngines
import Storage

/// The engines, in the order in which they are listed to a reader.
public let engineCatalogue: [EngineEntry] = [
  EngineEntry(NullEngine.descriptor) { (place, set) throws(EngineError) in
    try NullEngine.open(place, parameters: set)
  },
  EngineEntry(AppendLogEngine.descriptor) { (place, set) throws(EngineError) in
    try AppendLogEngine.open(place, parameters: set)
  },
  EngineEntry(SortedFileEngine.descriptor) { (place, set) throws(EngineError) in
    try SortedFileEngine.open(place, parameters: set)
  },
  EngineEntry(BTreeEngine.descriptor) { (place, set) throws(EngineError) in
    try BTreeEngine.open(place, parameters: set)
  },
  EngineEntry(SQLiteEngine.descriptor) { (place, set) throws(EngineError) in
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

  /// An entry for the catalogue.
  public init(
    _ descriptor: EngineDescriptor,
    open: @escaping @Sendable (EngineEnvironment, ParameterSet) throws(EngineError) -> any Engine
  ) {
    self.descriptor = descriptor
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
