// The device's own count: what really went down, seen without causes. It stands directly above the base device,
// so it counts whoever calls, also one who forgot the channel.
//
//   channel: ledger (direction × cause × level) ──▶ … ──▶ counting: direction only ──▶ memory │ file
//                 Σ over causes and levels        =          per direction            ← `checkConservation`
//
// Invariants
// 1. A batch or call that threw is counted by nobody.
// 2. Counts are atomic words: any thread counts, a sum may be asked at any time.
// 3. Counts only grow; the difference of two values is what happened between them.

import Accounting
import Primitives
import Synchronization

/// Operations and bytes of one direction.
public struct DirectionCount: Equatable, Sendable {
  /// Transfers, or calls for directions that move no data.
  public var operationCount: UInt64 = 0
  /// Bytes moved, or discarded.
  public var byteCount: UInt64 = 0

  /// All zero.
  public init() {}

  init(operationCount: UInt64, byteCount: UInt64) {
    self.operationCount = operationCount
    self.byteCount = byteCount
  }
}

/// Operations and bytes of every direction.
public struct DeviceCounts: Equatable, Sendable {
  private var counts: ContiguousArray<DirectionCount>

  /// All zero.
  public init() {
    counts = ContiguousArray(repeating: DirectionCount(), count: Direction.allCases.count)
  }

  /// The count of one direction.
  public subscript(direction: Direction) -> DirectionCount { counts[Int(direction.rawValue)] }

  mutating func set(_ index: Int, operationCount: UInt64, byteCount: UInt64) {
    counts[index] = DirectionCount(operationCount: operationCount, byteCount: byteCount)
  }

  /// These counts and those of another device.
  public func adding(_ other: DeviceCounts) -> DeviceCounts {
    var result = self
    for index in counts.indices {
      result.counts[index].operationCount += other.counts[index].operationCount
      result.counts[index].byteCount += other.counts[index].byteCount
    }
    return result
  }

  /// These counts less earlier ones of the same device.
  public func subtracting(_ earlier: DeviceCounts) -> DeviceCounts {
    var result = self
    for index in counts.indices {
      result.counts[index].operationCount -= earlier.counts[index].operationCount
      result.counts[index].byteCount -= earlier.counts[index].byteCount
    }
    return result
  }
}

/// Counts every transfer and call on its way to the base device.
public final class CountingDevice: BlockDevice {
  /// Two words for each direction, operations and bytes.
  private let words: UnsafeMutablePointer<AtomicWord>
  private let base: any BlockDevice

  /// The base's transfer unit, in bytes.
  public let transferUnitByteCount: Int
  /// The base's capacity, in bytes.
  public let capacityByteCount: UInt64

  /// A count over `base`.
  public init(base: any BlockDevice) {
    self.base = base
    transferUnitByteCount = base.transferUnitByteCount
    capacityByteCount = base.capacityByteCount
    words = Self.makeWords(DeviceCounts())
  }

  /// A count over `base` that goes on from `counts`: a branch of a device that counted so far.
  init(base: any BlockDevice, continuing counts: DeviceCounts) {
    self.base = base
    transferUnitByteCount = base.transferUnitByteCount
    capacityByteCount = base.capacityByteCount
    words = Self.makeWords(counts)
  }

  deinit {
    words.deinitialize(count: 2 * Direction.allCases.count)
    words.deallocate()
  }

  private static func makeWords(_ counts: DeviceCounts) -> UnsafeMutablePointer<AtomicWord> {
    let words = UnsafeMutablePointer<AtomicWord>.allocate(capacity: 2 * Direction.allCases.count)
    for (index, direction) in Direction.allCases.enumerated() {
      (words + 2 * index).initialize(to: AtomicWord())
      (words + 2 * index + 1).initialize(to: AtomicWord())
      words[2 * index].word.store(counts[direction].operationCount, ordering: .relaxed)
      words[2 * index + 1].word.store(counts[direction].byteCount, ordering: .relaxed)
    }
    return words
  }

  /// What was counted since the device was made.
  public var counts: DeviceCounts {
    var result = DeviceCounts()
    for index in Direction.allCases.indices {
      result.set(
        index, operationCount: words[2 * index].word.load(ordering: .relaxed),
        byteCount: words[2 * index + 1].word.load(ordering: .relaxed))
    }
    return result
  }

  private func add(_ direction: Direction, byteCount: UInt64) {
    let index = 2 * Int(direction.rawValue)
    words[index].word.wrappingAdd(1, ordering: .relaxed)
    words[index + 1].word.wrappingAdd(byteCount, ordering: .relaxed)
  }

  /// As the base.
  public var allowsConcurrentReads: Bool { base.allowsConcurrentReads }

  /// Passes the batch on and counts its transfers.
  public func submit(_ batch: inout TransferBatch) throws(StorageError) {
    try base.submit(&batch)
    count(batch)
  }

  /// As the base.
  public func begin(_ batch: inout TransferBatch) -> (any BatchInFlight)? { base.begin(&batch) }

  /// Waits for the batch and counts its transfers.
  public func finish(_ batch: inout TransferBatch, _ flight: any BatchInFlight) throws(StorageError) {
    try base.finish(&batch, flight)
    count(batch)
  }

  private func count(_ batch: borrowing TransferBatch) {
    for index in batch.transfers.indices {
      add(batch.transfers[index].direction, byteCount: UInt64(batch.transfers[index].byteCount))
    }
  }

  /// Passes the call on and counts it.
  public func control(_ operation: ControlOperation) throws(StorageError) {
    try base.control(operation)
    add(operation.direction, byteCount: operation.byteCount)
  }
}

/// The ledger and the device disagree: something moved bytes without a cause, or a cause without bytes.
public struct ConservationViolation: Error, Equatable, Sendable, CustomStringConvertible {
  /// Where they disagree.
  public var direction: Direction
  /// "operations" or "bytes".
  public var quantity: String
  /// The ledger's sum over causes and levels.
  public var ledger: UInt64
  /// The device's own count.
  public var device: UInt64

  /// The sentence for a report.
  public var description: String {
    "the ledger accounts for \(ledger) \(direction.name) \(quantity), the device counted \(device)"
  }
}

/// Holds a ledger against the device's own counts, for every direction, in operations and bytes.
///
/// - Parameters:
///   - ledger: of a window in which every device call should have passed through the channel.
///   - counts: of the same window.
/// - Throws: the first disagreement, in the order of directions.
public func checkConservation(ledger: IOLedger, counts: DeviceCounts) throws(ConservationViolation) {
  for direction in Direction.allCases {
    var sum = IOCount()
    for cause in Cause.allCases { sum.add(ledger.total(direction, cause)) }
    let device = counts[direction]
    if sum.transferredOperationCount != device.operationCount {
      throw ConservationViolation(
        direction: direction, quantity: "operations", ledger: sum.transferredOperationCount,
        device: device.operationCount)
    }
    if sum.transferredByteCount != device.byteCount {
      throw ConservationViolation(
        direction: direction, quantity: "bytes", ledger: sum.transferredByteCount, device: device.byteCount)
    }
  }
}

/// Holds everything a channel accounted for against everything a device made together with it counted.
///
/// - Throws: the first disagreement.
public func checkConservation(
  channel: IOChannel, counting: CountingDevice
) throws(ConservationViolation) {
  try checkConservation(ledger: channel.ledger, counts: counting.counts)
}
