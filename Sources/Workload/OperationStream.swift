// The operations of one phase, one after the other: the same for every engine, repeat after repeat of the same seed.
//
//   operation ordinal ─┬─ weights, one draw ─────▶ kind
//                      ├─ distribution, one draw ▶ key index among those put so far       (or the next unused, for put)
//                      │                            (or, for a scan that begins there, the first of them in key order)
//                      └─ lengths, operands ─────▶ version, length, detail
//   blocks of 256 are made at once; `next` copies one out and adds it to the hash
//
// Invariants
// 1. The stream is a function of (workload, phase, phase ordinal, position); no answer of an engine enters it.
// 2. Writes carry versions that rise by one with every operation of the run, reads included: unique, never 0.
// 3. Keys are chosen among the indices [0, nextKeyIndex), deleted ones included.
// 4. After `init` nothing is allocated.

import KeyValue
import Primitives

/// Where a run's streams stand: what one phase hands to the next.
public struct StreamPosition: Equatable, Sendable {
  /// The index that the next put takes; all below have been put.
  public var nextKeyIndex: UInt64 = 0
  /// The version that the next operation takes.
  public var nextVersion: UInt32 = 1

  /// The beginning of a run.
  public init() {}

  /// A given place.
  public init(nextKeyIndex: UInt64, nextVersion: UInt32) {
    self.nextKeyIndex = nextKeyIndex
    self.nextVersion = nextVersion
  }
}

/// The operations of one phase.
public struct OperationStream: Sendable {
  /// The largest version a run can reach.
  public static let maximumVersion: UInt32 = (1 << 31) - 1
  private static let blockOperationCount = 256

  /// How many operations the phase has.
  public private(set) var operationCount: UInt64
  /// How many have been handed out; the ordinal of the next.
  public private(set) var ordinal: UInt64 = 0
  /// The hash of those handed out.
  public private(set) var hash = StreamHash()

  /// Where the run stands before the first operation.
  public let start: StreamPosition
  private var phase: DataPhase
  private let workload: WorkloadSpec
  private let kinds: ContiguousArray<StreamOperation>
  /// `kinds[n]` is chosen by draws up to `limits[n]`; the last takes the rest.
  private let limits: ContiguousArray<UInt64>
  private let loadOrder: Permutation?
  private let interleavedOrder: InterleavedOrder?
  private let distribution: any IndexDistribution
  /// Where scans begin that begin at the first key; nil when no scan does.
  private var firstKey: FirstKey?
  private let operationRandom: CounterRandom
  private let keyRandom: CounterRandom
  private let lengthRandom: CounterRandom
  private let operandRandom: CounterRandom
  /// The mean value size: patches begin within it.
  private let patchableByteCount: UInt64

  /// Where the operations come from when they were recorded; nil when they are made.
  private var recordedCursor: RecordedStreamCursor?
  private var recordedBytes: [UInt8] = []
  private var block: ContiguousArray<Operation>
  private var blockPosition = 0
  private var draws: ContiguousArray<IndexDraw>
  private var nextKeyIndex: UInt64
  /// Where a recorded section ends.
  private var end: StreamPosition?

  /// The stream of a phase.
  ///
  /// - Parameters:
  ///   - phaseOrdinal: the phase's place among all phases of the run, verbs included, from 0.
  ///   - position: where the phase before ended.
  /// - Throws: when a key must be chosen but none has been put, an unknown distribution, more operations than versions.
  public init(
    phase: DataPhase, phaseOrdinal: Int, workload: WorkloadSpec, position: StreamPosition = StreamPosition()
  ) throws(WorkloadError) {
    if phase.operationCount > UInt64(Self.maximumVersion - position.nextVersion) {
      throw WorkloadError(
        parameter: "operations",
        reason: "\(phase.operationCount) more exceed the \(Self.maximumVersion) operations of a run")
    }
    if position.nextKeyIndex + phase.operationCount > KeyCodec.maximumIndex {
      throw WorkloadError(parameter: "operations", reason: "more keys would be put than there are indices")
    }
    self.phase = phase
    self.workload = workload
    start = position
    operationCount = phase.operationCount
    nextKeyIndex = position.nextKeyIndex
    block = []
    draws = []
    block.reserveCapacity(Self.blockOperationCount)
    draws.reserveCapacity(Self.blockOperationCount)
    let random = { (purpose: StreamNumber.Purpose) in
      CounterRandom(seed: workload.seed, stream: StreamNumber.phase(phaseOrdinal, purpose))
    }
    operationRandom = random(.operation)
    keyRandom = random(.key)
    lengthRandom = random(.length)
    operandRandom = random(.operand)
    patchableByteCount = max(1, UInt64(workload.values.sizes.meanByteCount))

    if phase.scanStart == .first, phase.contains(.scan) {
      var first = FirstKey(of: workload.keys, in: phase.scanOrder)
      for index in 0..<position.nextKeyIndex { first.include(index) }
      firstKey = first
    }
    interleavedOrder =
      phase.content == .interleavedLoad ? InterleavedOrder(count: phase.operationCount) : nil
    switch phase.content {
    case .interleavedLoad:
      kinds = [.put]
      limits = [.max]
      loadOrder = nil
      distribution = SequentialDistribution()
    case .load(let isRandom):
      kinds = [.put]
      limits = [.max]
      let orderSeed = CounterRandom(seed: workload.seed, stream: StreamNumber.loadOrder).draw(0)
      loadOrder =
        isRandom && phase.operationCount > 0 ? Permutation(count: phase.operationCount, seed: orderSeed) : nil
      distribution = SequentialDistribution()
    case .operations(let list):
      loadOrder = nil
      kinds = ContiguousArray(list.map(\.operation))
      limits = try Self.limits(list.map(\.weight))
      if list.contains(where: { $0.operation != .put && $0.weight > 0 }) {
        if position.nextKeyIndex == 0 {
          throw WorkloadError(
            parameter: "phases", reason: "phase '\(phase.kind)' takes keys put before, but none has been put")
        }
        let descriptor = try Workload.distribution(named: phase.distribution)
        distribution = try descriptor.make(
          try phase.parameters.filled(with: descriptor.parameters),
          DistributionContext(population: position.nextKeyIndex, seed: workload.seed))
      } else {
        distribution = SequentialDistribution()
      }
    }
  }

  /// The operations of a recorded section, the same and with the same hash. A section of `stream`.
  ///
  /// - Throws: when operations of the run so far have taken versions of the section: a value must be told from every
  ///   other by its version.
  public init(
    replaying section: RecordedStream.Section, of stream: RecordedStream, workload: WorkloadSpec,
    position: StreamPosition = StreamPosition()
  ) throws(WorkloadError) {
    if section.start.nextVersion < position.nextVersion {
      throw WorkloadError(
        parameter: "stream",
        reason:
          "section '\(section.name)' begins with version \(section.start.nextVersion), and the run stands at "
          + "\(position.nextVersion); replay the sections once each, in their order")
    }
    try self.init(
      phase: DataPhase(kind: section.kind, content: .load(random: false), operationCount: 0), phaseOrdinal: 0,
      workload: workload, position: section.start)
    phase = DataPhase(replaying: section)
    operationCount = section.operationCount
    recordedCursor = section.cursor
    recordedBytes = stream.bytes
    end = StreamPosition(
      nextKeyIndex: max(section.end.nextKeyIndex, position.nextKeyIndex),
      nextVersion: section.end.nextVersion)
  }

  /// Where the run stands after the operations handed out so far; after a recorded section it is known at the end only.
  public var position: StreamPosition {
    if let end {
      precondition(ordinal == operationCount, "A recorded section's end is where the run goes on.")
      return end
    }
    // Puts of the current block that were not handed out yet do not count.
    var next = nextKeyIndex
    for operation in block[blockPosition...] where operation.kind == .put { next -= 1 }
    return StreamPosition(nextKeyIndex: next, nextVersion: start.nextVersion + UInt32(ordinal))
  }

  /// Hands out the next operation.
  ///
  /// - Returns: false at the end; `operation` is then unchanged.
  public mutating func next(_ operation: inout Operation) -> Bool {
    if blockPosition == block.count {
      if ordinal == operationCount { return false }
      refill()
    }
    operation = block[blockPosition]
    blockPosition += 1
    ordinal += 1
    hash.add(operation)
    return true
  }

  private static func limits(_ weights: [Double]) throws(WorkloadError) -> ContiguousArray<UInt64> {
    var total = 0.0
    for weight in weights { total += weight }
    guard total > 0, total.isFinite, weights.allSatisfy({ $0 >= 0 }) else {
      throw WorkloadError(parameter: "mix", reason: "the weights must be at least 0 and their sum above 0")
    }
    var sum = 0.0
    var limits: ContiguousArray<UInt64> = []
    for weight in weights {
      sum += weight
      let limit = sum / total * 0x1p64
      limits.append(limit >= 0x1p64 ? .max : UInt64(limit))
    }
    // Whatever rounding left over, the last operation with a weight takes the rest of the range.
    for index in weights.indices.reversed() {
      limits[index] = .max
      if weights[index] > 0 { break }
    }
    return limits
  }

  /// Makes the next block of operations.
  private mutating func refill() {
    let count = Int(min(UInt64(Self.blockOperationCount), operationCount - ordinal))
    block.removeAll(keepingCapacity: true)
    blockPosition = 0
    if var cursor = recordedCursor {
      for _ in 0..<count { block.append(cursor.nextValidated(recordedBytes)) }
      recordedCursor = cursor
      return
    }
    switch phase.content {
    case .load, .interleavedLoad:
      refillLoad(count)
      return
    case .operations: break
    }
    draws.removeAll(keepingCapacity: true)
    // A local: changed where it is stored, it would make each look at the stream a copy of it.
    var firstKey = firstKey
    for place in 0..<count {
      let ordinal = ordinal + UInt64(place)
      let kind = kind(ordinal)
      block.append(Operation(kind: kind, keyIndex: nextKeyIndex))
      if kind == .put {
        firstKey?.include(nextKeyIndex)
        nextKeyIndex += 1
      } else if kind == .scan, let firstKey {
        block[place].keyIndex = firstKey.index
      } else {
        draws.append(IndexDraw(ordinal: ordinal, population: nextKeyIndex))
      }
    }
    self.firstKey = firstKey
    Self.resolve(&draws, distribution, keyRandom)
    var drawPosition = 0
    let drawsScans = firstKey == nil
    for place in 0..<count {
      let kind = block[place].kind
      if kind != .put, kind != .scan || drawsScans {
        block[place].keyIndex = draws[drawPosition].index
        complete(place, population: draws[drawPosition].population)
        drawPosition += 1
      } else {
        complete(place, population: 0)
      }
    }
  }

  private static func resolve(
    _ draws: inout ContiguousArray<IndexDraw>, _ distribution: any IndexDistribution, _ random: CounterRandom
  ) {
    var span = draws.mutableSpan
    distribution.resolve(&span, random: random)
  }

  private mutating func refillLoad(_ count: Int) {
    for number in 0..<count {
      let ordinal = ordinal + UInt64(number)
      let place = loadOrder.map { $0[ordinal] } ?? interleavedOrder.map { $0[ordinal] } ?? ordinal
      block.append(Operation(kind: .put, keyIndex: start.nextKeyIndex + place))
      complete(number, population: 0)
    }
    nextKeyIndex += UInt64(count)
  }

  @inline(__always) private func kind(_ ordinal: UInt64) -> StreamOperation {
    if kinds.count == 1 { return kinds[0] }
    let draw = operationRandom.draw(ordinal)
    var choice = 0
    while draw >= limits[choice] && choice < kinds.count - 1 { choice += 1 }
    return kinds[choice]
  }

  /// Adds version, length and detail to the operation at `place` of the block.
  @inline(__always) private mutating func complete(_ place: Int, population: UInt64) {
    var operation = block[place]
    let ordinal = ordinal + UInt64(place)
    let version = start.nextVersion + UInt32(truncatingIfNeeded: ordinal)
    switch operation.kind {
    case .getHit, .getMiss: return
    case .put, .overwrite:
      operation.version = version
      operation.length = UInt32(workload.values.byteCount(keyIndex: operation.keyIndex, version: version))
    case .delete: operation.version = version
    case .upsertAdd:
      operation.version = version
      operation.length = 8
      operation.detail = operandRandom.draw(ordinal)
    case .upsertAppend:
      operation.version = version
      operation.length = UInt32(phase.upsertOperandByteCount)
    case .upsertPatch:
      operation.version = version
      operation.length = UInt32(phase.upsertOperandByteCount)
      operation.detail = operandRandom.draw(ordinal).multipliedFullWidth(by: patchableByteCount).high
    case .scan:
      operation.length = UInt32(phase.scanEntryCount)
      if phase.variesScanLength {
        let draw = lengthRandom.draw(ordinal).multipliedFullWidth(by: UInt64(phase.scanEntryCount))
        operation.length = UInt32(draw.high) + 1
      }
    case .rangeDelete:
      operation.version = version
      operation.length = UInt32(phase.rangeDeleteEntryCount)
      let first = workload.keys.orderWord(index: operation.keyIndex)
      operation.detail = workload.keys.orderWord(
        UInt64(phase.rangeDeleteEntryCount), entriesAfter: first, population: population)
    }
    block[place] = operation
  }
}
