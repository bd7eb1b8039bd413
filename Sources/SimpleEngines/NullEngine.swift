// The null engine: it takes every write and keeps none of it, so that what is left is the cost of everything around an
// engine. It counts what it was given, for a caller to check that all of it arrived.
//
//   WriteBatch ──▶ limits checked, operations and bytes counted ──▶ nothing
//
// Invariants
// 1. It never touches the device.
// 2. Its limits are enforced like everyone's, so that a refusal costs here what it costs elsewhere.
//
// Deviation from the contract: reads find nothing (`limits.stores` is false), and nothing survives anything.

import Accounting
import KeyValue
import Primitives
import Storage

// The witnesses are documented at `Engine`, `ReadView` and `Cursor`.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The engine that stores nothing. `apply` costs one to two nanoseconds per operation.
public final class NullEngine: Engine {
  public static let descriptor = EngineDescriptor(
    name: "null", summary: "Accepts everything and stores nothing: the overhead baseline.", parameters: [],
    formatVersion: 1,
    limits: { _ throws(EngineError) in
      DeclaredLimits(fixedLimits, keyReason: "64 KiB by definition", valueReason: "16 MiB by definition")
    },
    costs: { _ in
      EngineCostShape(
        .nothing, spaceFactor: 0, writeSeconds: 0.3e-6, readSeconds: 0.3e-6, entrySeconds: 0.1e-6)
    })

  private static let fixedLimits = EngineLimits(
    maximumKeyByteCount: 1 << 16, maximumValueByteCount: 1 << 24, stores: false, offersSnapshots: true)

  public var limits: EngineLimits { Self.fixedLimits }

  private var counts: OperationCounts? = OperationCounts()

  public static func open(
    _ environment: EngineEnvironment, parameters: ParameterSet
  ) throws(EngineError) -> NullEngine {
    NullEngine()
  }

  /// Nothing survives, whatever is synced.
  public var durabilityClass: DurabilityClass { .none }

  public func apply(_ batch: borrowing WriteBatch, sync: Bool) throws(EngineError) {
    guard var counts else { throw .storage(.closed) }
    try batch.check(against: limits)
    for entry in batch.entries {
      switch entry.kind {
      case .put: counts.puts += 1
      case .delete: counts.deletes += 1
      case .add, .append, .patch: counts.upserts += 1
      case .deleteRange: counts.rangeDeletes += 1
      }
      counts.bytes &+= UInt64(truncatingIfNeeded: entry.keyByteCount &+ entry.operandByteCount)
    }
    counts.batches += 1
    self.counts = counts
  }

  public func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    try requireOpen()
    return false
  }

  public func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    try requireOpen()
    return EmptyCursor()
  }

  public func makeSnapshot() throws(EngineError) -> any ReadView {
    try requireOpen()
    return EmptyView()
  }

  public func checkpoint() throws(EngineError) { try requireOpen() }
  public func settle() throws(EngineError) { try requireOpen() }
  public func dropCache() throws(EngineError) { try requireOpen() }
  public func verify() throws(EngineError) { try requireOpen() }

  public func close() throws(EngineError) {
    try requireOpen()
    counts = nil
  }

  public func spaceReport() throws(EngineError) -> SpaceReport {
    try requireOpen()
    return SpaceReport(allocatedByteCount: 0, parts: [])
  }

  public func settingsReadBack() -> [(name: String, value: String)] { [] }

  public func statistics() -> [(name: String, value: UInt64)] {
    let counts = counts ?? OperationCounts()
    return [
      ("accepted_batches", counts.batches), ("accepted_bytes", counts.bytes),
      ("accepted_deletes", counts.deletes), ("accepted_puts", counts.puts),
      ("accepted_range_deletes", counts.rangeDeletes), ("accepted_upserts", counts.upserts),
    ]
  }

  private func requireOpen() throws(EngineError) {
    if counts == nil { throw .storage(.closed) }
  }

  private struct OperationCounts {
    var batches: UInt64 = 0
    var bytes: UInt64 = 0
    var puts: UInt64 = 0
    var deletes: UInt64 = 0
    var upserts: UInt64 = 0
    var rangeDeletes: UInt64 = 0
  }
}

/// A view of nothing.
private final class EmptyView: ReadView {
  func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) -> Bool { false }
  func makeCursor(_ range: KeyRange, _ order: ScanOrder) -> any Cursor { EmptyCursor() }
}

/// A cursor that is at its end from the beginning.
private final class EmptyCursor: Cursor {
  func next() -> Bool { false }
  func withCurrent(_ body: (_ key: RawSpan, _ value: RawSpan) -> Void) {
    preconditionFailure("withCurrent follows a next that returned true.")
  }
  func seek(to key: RawSpan) {}
}
