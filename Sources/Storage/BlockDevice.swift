// The single seam through which every byte passes. Counting, tracing, time models and faults are decorators
// of this protocol around one memory or file device; no engine opens a file.
//
//   engine ─▶ Volume / FileSpace ─▶ IOChannel (merges, ledger) ─▶ fault ─▶ trace ─▶ time ─▶ flash ─▶ count ─▶ memory │ file
//
// Invariants
// 1. `submit` completes the whole batch or throws; a batch that threw is counted by nobody.
// 2. Offsets and lengths are multiples of `transferUnitByteCount`; anything else throws `.misaligned`,
//    on the memory device exactly as with O_DIRECT.
// 3. Bytes never written, or discarded, read as zero.
// 4. Writes are durable after the next `.sync` that returned; until then a crash may leave any subset.
// 5. A batch that was begun is finished by the thread that began it, whether or not its bytes are still wanted. What a device
//    counts, charges, records or fails happens in `finish`, as if the batch were submitted there; so nothing but time depends on
//    whether a device really begins.
//
//   submit ────────────────────────▶ done
//   begin ───▶ (in flight) finish ──▶ done        reads only; `begin` may do nothing, then `submit` takes the place of `finish`

import Accounting
import Primitives

/// A call that moves no data.
public enum ControlOperation: Sendable, Equatable {
  /// Makes all completed writes durable. The cause says what the sync is for.
  case sync(cause: Cause)
  /// Declares a range unused; it reads as zero afterwards.
  case discard(offset: UInt64, byteCount: UInt64, cause: Cause)
  /// A change of a file space's names, for the trace and the crash laboratory; no bytes move.
  case namespace(Direction, fileID: UInt32)

  /// What the call counts as.
  public var direction: Direction {
    switch self {
    case .sync: .sync
    case .discard: .discard
    case .namespace(let direction, _): direction
    }
  }

  /// Why it happens; a change of names belongs to the file directory.
  public var cause: Cause {
    switch self {
    case .sync(let cause), .discard(_, _, let cause): cause
    case .namespace: .fileDirectory
    }
  }

  /// The bytes it counts for: those a discard covers, else 0.
  public var byteCount: UInt64 {
    if case .discard(_, let byteCount, _) = self { return byteCount }
    return 0
  }
}

/// What a device knows a batch by that it has begun and not finished.
public protocol BatchInFlight: AnyObject {}

/// An address space of bytes with one clock and one head.
public protocol BlockDevice: AnyObject {
  /// The size every offset and length is a multiple of, in bytes (default 4,096).
  var transferUnitByteCount: Int { get }

  /// The address space's size in bytes, a multiple of the transfer unit.
  var capacityByteCount: UInt64 { get }

  /// Whether batches that only read may be submitted by any number of threads at once, beside one thread that submits
  /// what it likes. A device with a clock, a head or a script of its own says no; channels then call it one after another.
  var allowsConcurrentReads: Bool { get }

  /// Performs every transfer of a sealed batch; all are in flight together. Replaces `.vended` segments.
  ///
  /// - Throws: `.deviceFailed`, `.misaligned`, `.outOfRange`, `.noSpace`.
  func submit(_ batch: inout TransferBatch) throws(StorageError)

  /// Hands over a sealed batch that only reads, without waiting. The batch and its memory stay the device's until `finish`.
  ///
  /// - Returns: what the device knows the batch by; nil when it has done nothing, and the batch is to be submitted instead of
  ///   finished. Errors are reported there.
  func begin(_ batch: inout TransferBatch) -> (any BatchInFlight)?

  /// Waits for a batch that was begun; it is then as if it had been submitted now.
  ///
  /// - Throws: as `submit`.
  func finish(_ batch: inout TransferBatch, _ flight: any BatchInFlight) throws(StorageError)

  /// Performs a call that moves no data.
  func control(_ operation: ControlOperation) throws(StorageError)
}

extension BlockDevice {
  /// One thread at a time, unless a device says otherwise.
  public var allowsConcurrentReads: Bool { false }

  /// A device begins nothing, unless it says otherwise: everything happens in the call that would have finished.
  public func begin(_ batch: inout TransferBatch) -> (any BatchInFlight)? { nil }

  /// Not called for a device that begins nothing.
  public func finish(_ batch: inout TransferBatch, _ flight: any BatchInFlight) throws(StorageError) {
    preconditionFailure("A batch is finished where it was begun.")
  }

  /// Refuses a batch with a misaligned transfer or one beyond the end; every base device asks first, so a refused
  /// batch has done nothing.
  func checkRanges(of batch: borrowing TransferBatch) throws(StorageError) {
    let mask = UInt64(transferUnitByteCount - 1)
    let capacity = capacityByteCount
    for index in batch.transfers.indices {
      let (offset, byteCount) = (batch.transfers[index].offset, batch.transfers[index].byteCount)
      guard (offset | UInt64(byteCount)) & mask == 0 else {
        throw .misaligned(
          offset: offset, byteCount: byteCount, transferUnitByteCount: transferUnitByteCount)
      }
      guard offset <= capacity && UInt64(byteCount) <= capacity - offset else {
        throw .outOfRange(offset: offset, byteCount: byteCount, capacityByteCount: capacity)
      }
    }
  }

  /// Refuses a discard that is misaligned or ends beyond the device.
  func checkDiscard(offset: UInt64, byteCount: UInt64) throws(StorageError) {
    let reported = Int(clamping: byteCount)
    guard (offset | byteCount) & UInt64(transferUnitByteCount - 1) == 0 else {
      throw .misaligned(
        offset: offset, byteCount: reported, transferUnitByteCount: transferUnitByteCount)
    }
    guard offset <= capacityByteCount && byteCount <= capacityByteCount - offset else {
      throw .outOfRange(offset: offset, byteCount: reported, capacityByteCount: capacityByteCount)
    }
  }
}

extension Segment {
  /// Where the segment's bytes are, nil while it is to be vended.
  var sourcePointer: UnsafeMutableRawPointer? {
    switch memory {
    case .borrowed(let pointer): pointer
    case .frame(let frame, let offset): frame.pointer + offset
    case .vended: nil
    }
  }
}
