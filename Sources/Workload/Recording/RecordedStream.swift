// A recorded stream, validated: its sections can be replayed as the operation streams they were.
//
//   bytes ──every event decoded once, every hash compared──▶ RecordedStream ──section──▶ OperationStream
//
// Cost: the file in memory; validating takes about 20 ns an operation.

import KeyValue
import Primitives

/// A recorded stream.
public struct RecordedStream: Sendable {
  /// One section: the operations of one phase.
  public struct Section: Equatable, Sendable {
    /// The phase's name.
    public var name: String
    /// The kind of phase that made it.
    public var kind: String
    /// Direction of its scans.
    public var scanOrder: ScanOrder
    /// Where the run stood before it.
    public var start: StreamPosition
    /// Where the run stands after it.
    public var end: StreamPosition
    /// Its operations.
    public var operationCount: UInt64
    /// The hash of its operations.
    public var hash: StreamHash
    /// How many of each kind, in the order of `StreamOperation.allCases`.
    public var kindCounts: [UInt64]
    /// Where its first operation stands.
    var cursor: RecordedStreamCursor

    /// How many operations of one kind it has.
    public func count(of kind: StreamOperation) -> UInt64 { kindCounts[Int(kind.rawValue) - 1] }

    /// Two sections are equal when they hold the same operations under the same name.
    public static func == (one: Section, other: Section) -> Bool {
      one.name == other.name && one.kind == other.kind && one.scanOrder == other.scanOrder
        && one.start == other.start && one.end == other.end && one.operationCount == other.operationCount
        && one.hash == other.hash && one.kindCounts == other.kindCounts
    }
  }

  /// What the stream says of itself.
  public let description: LabelledText
  /// The sections in the order in which they were recorded.
  public let sections: [Section]
  /// Operations of all sections.
  public let operationCount: UInt64
  /// One more than the largest key index; 0 without operations.
  public let keyIndexEnd: UInt64
  /// Bytes of the file.
  public var byteCount: Int { bytes.count }

  let bytes: [UInt8]

  /// Validates a recorded stream.
  ///
  /// - Throws: `.corrupted` with the offset in the file.
  public init(bytes: [UInt8]) throws(StorageError) {
    var cursor = try RecordedStreamCursor(headerOf: bytes)
    description = cursor.description
    self.bytes = bytes
    var sections: [Section] = []
    var total: UInt64 = 0
    var keyIndexEnd: UInt64 = 0
    scan: while true {
      switch try cursor.next(bytes) {
      case .operation: throw cursor.corrupted("an operation outside a section")
      case .sectionEnds: throw cursor.corrupted("the end of a section that has not begun")
      case .end(let sectionCount, let operationCount):
        guard sectionCount == UInt64(sections.count), operationCount == total else {
          throw cursor.corrupted("the end event does not agree with the stream")
        }
        break scan
      case .sectionBegins(var section):
        if sections.contains(where: { $0.name == section.name }) {
          throw cursor.corrupted("a second section '\(section.name)'")
        }
        try section.read(&cursor, bytes, &keyIndexEnd)
        total += section.operationCount
        sections.append(section)
      }
    }
    // So that nobody makes tables for keys and versions that no operation took: a stream begins with its run, every
    // index was put or comes from a dense renaming, every operation takes one version.
    if keyIndexEnd > total || sections.contains(where: { $0.end.nextKeyIndex > total }) {
      throw cursor.corrupted("key indices beyond the number of operations")
    }
    if sections.contains(where: { UInt64($0.end.nextVersion) > total + 1 }) {
      throw cursor.corrupted("versions beyond the number of operations")
    }
    self.sections = sections
    self.keyIndexEnd = keyIndexEnd
    operationCount = total
  }

  /// The section called `name`.
  public func section(named name: String) -> Section? { sections.first { $0.name == name } }

  /// Calls `body` with every operation of a section, in order.
  public func forEachOperation(of section: Section, _ body: (Operation) -> Void) {
    var cursor = section.cursor
    for _ in 0..<section.operationCount { body(cursor.nextValidated(bytes)) }
  }
}

extension RecordedStream.Section {
  /// Reads the section's operations and its end.
  fileprivate mutating func read(
    _ cursor: inout RecordedStreamCursor, _ bytes: [UInt8], _ keyIndexEnd: inout UInt64
  ) throws(StorageError) {
    var hash = StreamHash()
    var nextKeyIndex = start.nextKeyIndex
    self.cursor = cursor
    while true {
      switch try cursor.next(bytes) {
      case .operation(let operation):
        hash.add(operation)
        operationCount += 1
        kindCounts[Int(operation.kind.rawValue) - 1] += 1
        keyIndexEnd = max(keyIndexEnd, operation.keyIndex + 1)
        if operation.kind == .put { nextKeyIndex = max(nextKeyIndex, operation.keyIndex + 1) }
      case .sectionBegins: throw cursor.corrupted("a section within a section")
      case .end: throw cursor.corrupted("the end of the stream within a section")
      case .sectionEnds(let count, let value):
        guard count == operationCount, value == hash.value else {
          throw cursor.corrupted("the end of section '\(name)' does not agree with its operations")
        }
        self.hash = hash
        end = StreamPosition(
          nextKeyIndex: nextKeyIndex, nextVersion: start.nextVersion + UInt32(operationCount))
        return
      }
    }
  }
}

extension DataPhase {
  /// The phase that replays a section; its kind is the kind that was recorded.
  public init(replaying section: RecordedStream.Section) {
    self.init(
      kind: section.kind,
      content: .operations(
        StreamOperation.allCases.map { WeightedOperation($0, weight: Double(section.count(of: $0))) }),
      operationCount: section.operationCount, scanOrder: section.scanOrder)
  }
}
