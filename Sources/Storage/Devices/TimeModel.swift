// What a transfer costs on a device that does not exist. Four models charge the same batches at once; each is a
// value and a pure function of the batches in their order, so a recorded trace is re-charged to the same numbers.
//
//   batch  [ r 8 KiB @ 0 ][ r 4 KiB @ 64 Ki ][ w 1 MiB @ 1 Mi ]
//            DAM       Σ ⌈bytes / B⌉                                 blocks
//            affine    Σ (s + t · bytes)                             seconds, every transfer pays s
//            PDAM      ⌈Σ ⌈bytes / B⌉ / P⌉ of each batch             steps
//            profile   max(longest of P lanes, Σ t · bytes)          seconds, a continuation pays no seek
//
// Invariants
// 1. Only + − × ÷ of Double and integers: the same batches give the same bits on every machine.
// 2. A batch's charge depends on its transfers and on where the previous batch left the head, on nothing else.
// 3. Syncs, discards and changes of names move no data and cost nothing under these models.
//
// Source: Bender et al., "Small Refinements to the DAM Can Have Big Consequences for Data-Structure Design",
// SPAA 2019; ACM TOPC 8(3), 2021: section 2 (affine, PDAM); Aggarwal and Vitter, CACM 31(9), 1988 (DAM).

import Accounting
import Primitives

/// One transfer as a time model sees it.
public struct ChargedTransfer: Equatable, Sendable {
  /// Whether it writes.
  public var isWrite: Bool
  /// The first byte on the device.
  public var offset: UInt64
  /// How many bytes.
  public var byteCount: Int

  /// A read or write of `byteCount` bytes at `offset`.
  @inlinable public init(isWrite: Bool, offset: UInt64, byteCount: Int) {
    self.isWrite = isWrite
    self.offset = offset
    self.byteCount = byteCount
  }
}

/// What the four models charge.
public struct TimeCharge: Equatable, Sendable {
  /// Σ ⌈bytes / B⌉ over transfers.
  public var damBlockCount: UInt64 = 0
  /// Σ (s + t · bytes) over transfers.
  public var affineSeconds: Double = 0
  /// Σ ⌈blocks of the batch / P⌉ over batches.
  public var pdamStepCount: UInt64 = 0
  /// Busy seconds of the device under its profile.
  public var deviceSeconds: Double = 0
  /// Transfers that paid s under the profile: those that did not continue the transfer before them.
  public var seekCount: UInt64 = 0

  /// Nothing charged.
  public init() {}

  /// This charge and that of another device.
  public func adding(_ other: TimeCharge) -> TimeCharge {
    var result = TimeCharge()
    result.damBlockCount = damBlockCount + other.damBlockCount
    result.affineSeconds = affineSeconds + other.affineSeconds
    result.pdamStepCount = pdamStepCount + other.pdamStepCount
    result.deviceSeconds = deviceSeconds + other.deviceSeconds
    return result
  }

  /// This charge less an earlier one: what was charged between them.
  public func subtracting(_ earlier: TimeCharge) -> TimeCharge {
    var result = TimeCharge()
    result.damBlockCount = damBlockCount - earlier.damBlockCount
    result.affineSeconds = affineSeconds - earlier.affineSeconds
    result.pdamStepCount = pdamStepCount - earlier.pdamStepCount
    result.deviceSeconds = deviceSeconds - earlier.deviceSeconds
    result.seekCount = seekCount - earlier.seekCount
    return result
  }

  /// Adds another charge.
  public mutating func add(_ other: TimeCharge) {
    damBlockCount += other.damBlockCount
    affineSeconds += other.affineSeconds
    pdamStepCount += other.pdamStepCount
    deviceSeconds += other.deviceSeconds
    seekCount += other.seekCount
  }
}

/// The parameters of all four models.
public struct TimeModel: Equatable, Sendable {
  /// B of the DAM and of the PDAM, in bytes.
  public var blockByteCount: Int
  /// P: blocks of one step, and lanes of the profile; at least 1.
  public var parallelBlockCount: Int
  /// s of a read, in seconds.
  public var readSetupSeconds: Double
  /// t of a read, in seconds per byte.
  public var readSecondsPerByte: Double
  /// s of a write, in seconds.
  public var writeSetupSeconds: Double
  /// t of a write, in seconds per byte.
  public var writeSecondsPerByte: Double

  /// A model with its own numbers.
  public init(
    blockByteCount: Int, parallelBlockCount: Int, readSetupSeconds: Double, readSecondsPerByte: Double,
    writeSetupSeconds: Double, writeSecondsPerByte: Double
  ) {
    precondition(blockByteCount > 0, "A block has at least one byte.")
    precondition(parallelBlockCount > 0, "A device serves at least one block at a time.")
    self.blockByteCount = blockByteCount
    self.parallelBlockCount = parallelBlockCount
    self.readSetupSeconds = readSetupSeconds
    self.readSecondsPerByte = readSecondsPerByte
    self.writeSetupSeconds = writeSetupSeconds
    self.writeSecondsPerByte = writeSecondsPerByte
  }

  /// The model of a named device profile, with B and P of the profile.
  public init(profile: DeviceProfile) {
    self.init(
      blockByteCount: profile.blockByteCount, parallelBlockCount: profile.parallelBlockCount,
      readSetupSeconds: profile.readSetupSeconds, readSecondsPerByte: profile.readSecondsPerByte,
      writeSetupSeconds: profile.writeSetupSeconds, writeSecondsPerByte: profile.writeSecondsPerByte)
  }

  /// The DAM cost of one transfer: ⌈bytes / B⌉ blocks.
  public func damBlocks(byteCount: Int) -> UInt64 {
    UInt64((byteCount + blockByteCount - 1) / blockByteCount)
  }

  /// The affine cost of one transfer: s + t · bytes, in seconds.
  public func affineSeconds(isWrite: Bool, byteCount: Int) -> Double {
    setupSeconds(isWrite) + transferSeconds(isWrite, byteCount)
  }

  @inline(__always) func setupSeconds(_ isWrite: Bool) -> Double {
    isWrite ? writeSetupSeconds : readSetupSeconds
  }

  @inline(__always) func transferSeconds(_ isWrite: Bool, _ byteCount: Int) -> Double {
    (isWrite ? writeSecondsPerByte : readSecondsPerByte) * Double(byteCount)
  }
}

/// A virtual device's clock: charges batches under a model and remembers where the head stands.
///
/// The profile's rule: a batch is P lanes wide. Its transfers go, in their order, each to the lane that is free
/// first (the lowest-numbered of equals); a transfer that begins where the transfer before it ended, in the same
/// direction, pays no s and follows on the same lane. Setups overlap, bytes do not: the lanes share one bus. So the
/// batch costs what the longest lane costs, but at least Σ t · bytes. Between batches the clock does not move: the
/// device is idle.
public struct TimeClock: Equatable, Sendable {
  /// The parameters.
  public let model: TimeModel
  /// Everything charged so far.
  public private(set) var charge = TimeCharge()

  private var headEnd: UInt64 = .max
  private var headWrites = false
  private var lanes: ContiguousArray<Double>

  /// A clock at zero, whose head stands nowhere: the first transfer always pays its setup.
  public init(model: TimeModel) {
    self.model = model
    lanes = ContiguousArray(repeating: 0, count: model.parallelBlockCount)
  }

  /// Charges one batch.
  ///
  /// - Returns: the device seconds of this batch.
  @discardableResult
  public mutating func charge(batch: some Sequence<ChargedTransfer>) -> Double {
    var state = begin()
    for transfer in batch { add(transfer, &state) }
    return finish(state)
  }

  /// Charges one batch of transfers as the device gets them.
  @discardableResult
  mutating func charge(batch: borrowing TransferBatch) -> Double {
    var state = begin()
    for index in batch.transfers.indices {
      let transfer = batch.transfers[index]
      add(
        ChargedTransfer(
          isWrite: transfer.direction == .write, offset: transfer.offset, byteCount: transfer.byteCount),
        &state)
    }
    return finish(state)
  }

  private struct BatchState {
    var blockCount: UInt64 = 0
    var lane = 0
    /// Lanes below it hold seconds of this batch; the others count as free.
    var laneCount = 1
    var longest = 0.0
    var busSeconds = 0.0
  }

  private mutating func begin() -> BatchState {
    lanes[0] = 0
    return BatchState()
  }

  private mutating func add(_ transfer: ChargedTransfer, _ state: inout BatchState) {
    let blocks = model.damBlocks(byteCount: transfer.byteCount)
    state.blockCount += blocks
    charge.damBlockCount += blocks
    charge.affineSeconds += model.affineSeconds(isWrite: transfer.isWrite, byteCount: transfer.byteCount)

    var seconds = model.transferSeconds(transfer.isWrite, transfer.byteCount)
    let continues = headEnd == transfer.offset && headWrites == transfer.isWrite
    state.busSeconds += seconds
    if !continues {
      seconds += model.setupSeconds(transfer.isWrite)
      charge.seekCount += 1
      // The lane that is free first; the first transfer of a batch takes lane 0. n transfers reach n lanes at most.
      if state.laneCount < lanes.count {
        lanes[state.laneCount] = 0
        state.laneCount += 1
      }
      state.lane = 0
      for index in 0..<state.laneCount where lanes[index] < lanes[state.lane] { state.lane = index }
    }
    lanes[state.lane] += seconds
    if lanes[state.lane] > state.longest { state.longest = lanes[state.lane] }
    headEnd = transfer.offset &+ UInt64(transfer.byteCount)
    headWrites = transfer.isWrite
  }

  private mutating func finish(_ state: BatchState) -> Double {
    let parallel = UInt64(model.parallelBlockCount)
    charge.pdamStepCount += (state.blockCount + parallel - 1) / parallel
    let seconds = state.longest > state.busSeconds ? state.longest : state.busSeconds
    charge.deviceSeconds += seconds
    return seconds
  }
}
