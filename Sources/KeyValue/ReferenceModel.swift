// The reference: an engine in memory that is as simple as the contract allows. Every other engine is held
// against it, and it is itself put through the conformance suite.
//
// It keeps nothing on a device, so it promises nothing after a crash; `state` can be handed to a new model, which
// is what reopening means for it.

import Primitives

// The witnesses are documented at `Engine`, `ReadView` and `Cursor`.
// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// The in-memory reference engine.
public final class ReferenceModel: Engine {
  public let limits: EngineLimits
  /// What it holds; copying it is a snapshot.
  public private(set) var state: ReferenceState
  private var isClosed = false

  /// Limits wide enough for every test: keys to 64 KiB, values to 16 MiB.
  public static let defaultLimits = EngineLimits(
    maximumKeyByteCount: 1 << 16, maximumValueByteCount: 1 << 24, offersSnapshots: true)

  /// A model with these contents. To predict another engine's answers give it that engine's limits: an append
  /// that would exceed the value limit leaves the value as it is.
  public init(limits: EngineLimits = ReferenceModel.defaultLimits, state: ReferenceState = ReferenceState()) {
    self.limits = limits
    self.state = state
  }

  public var durabilityClass: DurabilityClass { .none }

  public func apply(_ batch: borrowing WriteBatch, sync: Bool) throws(EngineError) {
    try requireOpen()
    try batch.check(against: limits)
    state.apply(batch, limits: limits)
  }

  public func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    try requireOpen()
    return ReferenceView(state: state).get(key, body)
  }

  public func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    try requireOpen()
    return ReferenceCursor(state: state, range: range, order: order)
  }

  public func makeSnapshot() throws(EngineError) -> any ReadView {
    try requireOpen()
    return ReferenceView(state: state)
  }

  public func checkpoint() throws(EngineError) { try requireOpen() }
  public func settle() throws(EngineError) { try requireOpen() }
  public func dropCache() throws(EngineError) { try requireOpen() }

  public func close() throws(EngineError) {
    try requireOpen()
    isClosed = true
  }

  public func spaceReport() throws(EngineError) -> SpaceReport {
    try requireOpen()
    let byteCount = UInt64(state.logicalByteCount)
    return SpaceReport(
      allocatedByteCount: byteCount, parts: [SpaceReport.Part(name: "live", byteCount: byteCount)])
  }

  public func settingsReadBack() -> [(name: String, value: String)] { [] }

  public func statistics() -> [(name: String, value: UInt64)] {
    [(name: "entries", value: UInt64(state.count))]
  }

  public func verify() throws(EngineError) {
    try requireOpen()
    if let sentence = state.brokenInvariant() {
      throw .storage(.corrupted(structure: "reference state", offset: 0, detail: sentence))
    }
  }

  private func requireOpen() throws(EngineError) {
    if isClosed { throw .storage(.closed) }
  }
}

// swift-format-ignore: AllPublicDeclarationsHaveDocumentation
/// A stable view of a reference state.
public final class ReferenceView: ReadView {
  private let state: ReferenceState

  /// A view of `state`.
  public init(state: ReferenceState) { self.state = state }

  public func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) -> Bool {
    guard let value = state.value(for: bytes(of: key)) else { return false }
    body(value.span.bytes)
    return true
  }

  public func makeCursor(_ range: KeyRange, _ order: ScanOrder) -> any Cursor {
    ReferenceCursor(state: state, range: range, order: order)
  }
}

/// A cursor over a reference state. `gap` is the place between entries it stands at: forward it takes the entry
/// after the gap, in reverse the entry before it.
final class ReferenceCursor: Cursor {
  private let state: ReferenceState
  private let range: KeyRange
  private let order: ScanOrder
  private var gap: ReferenceState.Position
  private var current: KeyValuePair?

  init(state: ReferenceState, range: KeyRange, order: ScanOrder) {
    self.state = state
    self.range = range
    self.order = order
    switch order {
    case .forward: gap = range.lowerBound.map { state.firstPosition(atOrAfter: $0) } ?? state.start
    case .reverse: gap = range.upperBound.map { state.firstPosition(atOrAfter: $0) } ?? state.end
    }
  }

  func next() -> Bool {
    current = nil
    switch order {
    case .forward:
      guard let entry = state.entry(at: gap), keyIsInside(entry.key, range) else { return false }
      gap = state.positionAfter(gap)
      current = entry
    case .reverse:
      guard let before = state.positionBefore(gap), let entry = state.entry(at: before),
        keyIsInside(entry.key, range)
      else { return false }
      gap = before
      current = entry
    }
    return true
  }

  func withCurrent(_ body: (_ key: RawSpan, _ value: RawSpan) -> Void) {
    guard let current else { preconditionFailure("withCurrent follows a next that returned true.") }
    body(current.key.span.bytes, current.value.span.bytes)
  }

  func seek(to key: RawSpan) {
    let target = bytes(of: key)
    current = nil
    switch order {
    case .forward:
      let lower = range.lowerBound ?? []
      gap = state.firstPosition(atOrAfter: keyPrecedes(target, lower) ? lower : target)
    case .reverse:
      // At or before the target: the gap lies after the target's own entry.
      if let upper = range.upperBound, !keyPrecedes(target, upper) {
        gap = state.firstPosition(atOrAfter: upper)
        return
      }
      gap = state.firstPosition(atOrAfter: target)
      if let entry = state.entry(at: gap), entry.key == target { gap = state.positionAfter(gap) }
    }
  }
}
