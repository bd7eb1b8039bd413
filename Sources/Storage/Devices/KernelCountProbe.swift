// Does the kernel count O_DIRECT I/O of files in this folder? Asked before its count is held against ours: in memory file
// systems and some containers it stays at zero, and some file systems quietly go through the page cache.
//
//   write 2 MiB past the page cache ─▶ read it back ─▶ /proc/self/io must have grown by that much, both times

import Accounting
import CSystem
import Primitives

/// What the kernel does with O_DIRECT I/O of a folder's files.
public enum KernelCountProbe: Equatable, Sendable {
  /// It counts it: its counts can be held against ours.
  case counts
  /// It does not, for this reason: there is nothing to compare.
  case doesNotCount(reason: String)

  private static let byteCount = 2 << 20

  /// Writes and reads a file of 2 MiB at `path`, which is made and removed.
  public static func ask(path: String) -> KernelCountProbe {
    defer { _ = betula_unlink(path) }
    guard let start = KernelIOCounters.now() else {
      return .doesNotCount(reason: "the kernel offers no /proc/self/io")
    }
    do throws(StorageError) {
      let device = try FileDevice(
        path: path, creates: true, capacityByteCount: UInt64(byteCount), mode: .direct, parallelism: 1)
      try move(.write, device)
      try device.control(.sync(cause: .verification))
      let middle = KernelIOCounters.now() ?? start
      try move(.read, device)
      let end = KernelIOCounters.now() ?? middle
      let written = middle.subtracting(start).deviceWriteByteCount
      let read = end.subtracting(middle).deviceReadByteCount
      for (name, counted) in [("written", written), ("read", read)] {
        // Less is not counting; much more is another way of counting. Other threads may add a little.
        if counted < UInt64(byteCount) || counted > UInt64(2 * byteCount) {
          return .doesNotCount(
            reason: "of \(byteCount) bytes \(name) past the page cache the kernel counts \(counted)")
        }
      }
      return .counts
    } catch {
      return .doesNotCount(reason: "\(error)")
    }
  }

  private static func move(_ direction: Direction, _ device: FileDevice) throws(StorageError) {
    let frame = FramePool().frame(byteCount: byteCount, zeroed: true)
    var batch = TransferBatch()
    batch.append(
      direction, offset: 0, memory: .frame(frame, offset: 0), byteCount: byteCount, cause: .verification)
    try device.submit(&batch)
  }
}
