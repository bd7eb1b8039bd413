// Everything a run did to its device that a crash could undo, kept by reference: which frames were written where, the
// syncs, discards and changes of names between them, and how far the run had come at each call.
//
//   call   0 write 0–2 │ 1 sync │ 2 write 3 │ 3 create │ 4 write 4–9 │ 5 sync │ …
//   mark   └ created   ┘        └ begun 1 …                          └ promised 1
//
// Invariants
// 1. Calls that change nothing (reads) have no number.
// 2. A frame kept here is shared with the device, so its bytes stay as they were written.
// 3. A mark made after n calls holds for a crash after n calls, and until the next mark.

import Accounting
import Primitives
import Storage

/// One transfer unit as it was written.
struct RecordedUnit {
  var offset: UInt64
  /// Nil where the device keeps no bytes: zeros.
  var frame: Frame?
  var frameOffset: Int
  var cause: Cause
}

/// One call that changed something.
enum RecordedCall {
  /// These units, in order.
  case write(Range<Int>)
  case discard(offset: UInt64, byteCount: UInt64)
  case sync
  case namespace
}

/// What a run did, for `CrashImages`.
struct CrashRecording {
  /// The device before the first call; durable.
  var origin: MemoryDevice
  var atomByteCount: Int
  var calls: ContiguousArray<RecordedCall> = []
  var units: ContiguousArray<RecordedUnit> = []
  var marks: [(callCount: Int, progress: TrialProgress)] = []

  /// How far the run was after `callCount` calls.
  func progress(after callCount: Int) -> TrialProgress {
    var (low, high) = (0, marks.count)
    while low < high {
      let middle = (low + high) / 2
      if marks[middle].callCount <= callCount { low = middle + 1 } else { high = middle }
    }
    return low == 0 ? TrialProgress() : marks[low - 1].progress
  }

  /// How far the run was when it made call `call`: marks made before it.
  func progress(before call: Int) -> TrialProgress { progress(after: call) }
}

/// Passes everything on and keeps what a crash needs.
final class CrashRecorder: BlockDevice {
  private(set) var recording: CrashRecording
  /// Reads passed on, in transfers and bytes.
  private(set) var readTransferCount: UInt64 = 0
  private(set) var readByteCount: UInt64 = 0
  private(set) var writeTransferCount: UInt64 = 0
  private(set) var writeByteCount: UInt64 = 0

  private let base: any BlockDevice
  private let memory: MemoryDevice
  let transferUnitByteCount: Int
  let capacityByteCount: UInt64

  /// A recorder over `base`, at the bottom of which `memory` is.
  init(base: any BlockDevice, memory: MemoryDevice, atomByteCount: Int) {
    precondition(
      atomByteCount >= 8 && atomByteCount % 8 == 0 && memory.transferUnitByteCount % atomByteCount == 0,
      "The transfer unit is a multiple of the crash atom, the atom a multiple of 8 bytes.")
    self.base = base
    self.memory = memory
    transferUnitByteCount = base.transferUnitByteCount
    capacityByteCount = base.capacityByteCount
    recording = CrashRecording(origin: memory.clone(), atomByteCount: atomByteCount)
  }

  /// Notes how far the run is.
  func mark(_ progress: TrialProgress) {
    recording.marks.append((recording.calls.count, progress))
  }

  func submit(_ batch: inout TransferBatch) throws(StorageError) {
    try base.submit(&batch)
    let first = recording.units.count
    for transfer in batch.transfers {
      if transfer.direction == .read {
        readTransferCount += 1
        readByteCount += UInt64(transfer.byteCount)
        continue
      }
      writeTransferCount += 1
      writeByteCount += UInt64(transfer.byteCount)
      let cause = batch.pieces[transfer.pieces].first { $0.cause != .padding }?.cause ?? .padding
      var offset = transfer.offset
      while offset < transfer.end {
        let place = memory.frame(ofUnitAt: offset)
        recording.units.append(
          RecordedUnit(offset: offset, frame: place?.frame, frameOffset: place?.offset ?? 0, cause: cause))
        offset += UInt64(transferUnitByteCount)
      }
    }
    if recording.units.count > first { recording.calls.append(.write(first..<recording.units.count)) }
  }

  func control(_ operation: ControlOperation) throws(StorageError) {
    try base.control(operation)
    switch operation {
    case .sync: recording.calls.append(.sync)
    case .discard(let offset, let byteCount, _):
      recording.calls.append(.discard(offset: offset, byteCount: byteCount))
    case .namespace: recording.calls.append(.namespace)
    }
  }
}
