// A device with a virtual clock: every batch that succeeds is charged under a time model.
//
// Invariants
// 1. A batch that threw costs nothing.
// 2. Batches of several threads are charged in the order in which they return; one thread's order is that of its calls. A batch
//    that was begun is charged when it is finished.
// 3. The clock of a run equals the clock of its recorded trace, charged under the same model.

import Accounting
import Primitives

/// Charges each batch on its way down.
public final class TimedDevice: BlockDevice {
  /// The clock, a value: keep a copy per phase and subtract its charges.
  public var clock: TimeClock { lockedClock.withLock { $0 } }
  private let lockedClock: Lock<TimeClock>
  private let base: any BlockDevice

  /// The base's transfer unit, in bytes.
  public let transferUnitByteCount: Int
  /// The base's capacity, in bytes.
  public let capacityByteCount: UInt64

  /// A clock at zero over `base`.
  public init(base: any BlockDevice, model: TimeModel) {
    self.base = base
    transferUnitByteCount = base.transferUnitByteCount
    capacityByteCount = base.capacityByteCount
    lockedClock = Lock(TimeClock(model: model))
  }

  /// A clock that goes on from `clock`, head position included: a branch of a device that was charged so far.
  init(base: any BlockDevice, continuing clock: TimeClock) {
    self.base = base
    transferUnitByteCount = base.transferUnitByteCount
    capacityByteCount = base.capacityByteCount
    lockedClock = Lock(clock)
  }

  /// Everything charged so far.
  public var charge: TimeCharge { lockedClock.withLock { $0.charge } }

  /// As the base.
  public var allowsConcurrentReads: Bool { base.allowsConcurrentReads }

  /// Passes the batch on and charges it.
  public func submit(_ batch: inout TransferBatch) throws(StorageError) {
    try base.submit(&batch)
    lockedClock.withLock { clock in _ = clock.charge(batch: batch) }
  }

  /// As the base.
  public func begin(_ batch: inout TransferBatch) -> (any BatchInFlight)? { base.begin(&batch) }

  /// Waits for the batch and charges it: the clock says what the device has to do, not what somebody waits for.
  public func finish(_ batch: inout TransferBatch, _ flight: any BatchInFlight) throws(StorageError) {
    try base.finish(&batch, flight)
    lockedClock.withLock { clock in _ = clock.charge(batch: batch) }
  }

  /// Passes the call on; it moves no data and costs nothing.
  public func control(_ operation: ControlOperation) throws(StorageError) {
    try base.control(operation)
  }
}
