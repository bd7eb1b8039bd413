// The kernel's count of this process's I/O, to hold ours against. A third opinion, independent of both the ledger
// and the counting device.
//
//   O_DIRECT files    read_bytes, write_bytes = ours within 1 % + 1 MiB, or something is wrong
//   buffered files    the page cache merges and defers: the residual is printed, not judged
//
// What would make two right counts differ is known and taken out, so that the tolerance need not hide it:
//
//   ours    − reads of ranges never written: the file system answers zeros and asks no disk (`FileDevice` keeps track)
//           + zeros written where a discard could not punch a hole
//   kernel  − what the process was charged while it wrote a trace to a file (`TraceWriter` keeps track)
//
// `write_bytes` counts what was dirtied; for buffered writes the kernel charges whole folios, so it says little.

import Accounting
import CSystem
import Primitives

/// Bytes and calls since a process or thread began, from `/proc/self/io`.
public struct KernelIOCounters: Equatable, Sendable {
  /// Bytes of read calls, from cache or device.
  public var readCallByteCount: UInt64 = 0
  /// Bytes of write calls.
  public var writeCallByteCount: UInt64 = 0
  /// Read calls.
  public var readCallCount: UInt64 = 0
  /// Write calls.
  public var writeCallCount: UInt64 = 0
  /// Bytes fetched from a device.
  public var deviceReadByteCount: UInt64 = 0
  /// Bytes sent, or to be sent, to a device.
  public var deviceWriteByteCount: UInt64 = 0

  /// All zero.
  public init() {}

  private init(_ raw: betula_process_io) {
    readCallByteCount = raw.rchar
    writeCallByteCount = raw.wchar
    readCallCount = raw.syscr
    writeCallCount = raw.syscw
    deviceReadByteCount = raw.read_bytes
    deviceWriteByteCount = raw.write_bytes
  }

  /// This process's counts of now; nil where the kernel does not offer them.
  public static func now() -> KernelIOCounters? {
    var raw = betula_process_io()
    return betula_process_io(&raw) == 0 ? KernelIOCounters(raw) : nil
  }

  /// The calling thread's counts of now; nil where the kernel does not offer them.
  static func ofThread() -> KernelIOCounters? {
    var raw = betula_process_io()
    return betula_thread_io(&raw) == 0 ? KernelIOCounters(raw) : nil
  }

  private func combined(
    with other: KernelIOCounters, _ operation: (UInt64, UInt64) -> UInt64
  ) -> KernelIOCounters {
    var result = KernelIOCounters()
    result.readCallByteCount = operation(readCallByteCount, other.readCallByteCount)
    result.writeCallByteCount = operation(writeCallByteCount, other.writeCallByteCount)
    result.readCallCount = operation(readCallCount, other.readCallCount)
    result.writeCallCount = operation(writeCallCount, other.writeCallCount)
    result.deviceReadByteCount = operation(deviceReadByteCount, other.deviceReadByteCount)
    result.deviceWriteByteCount = operation(deviceWriteByteCount, other.deviceWriteByteCount)
    return result
  }

  /// These counts less earlier ones, or less a part of them.
  public func subtracting(_ earlier: KernelIOCounters) -> KernelIOCounters {
    combined(with: earlier) { $0 &- $1 }
  }

  /// These counts and others.
  func adding(_ other: KernelIOCounters) -> KernelIOCounters { combined(with: other) { $0 &+ $1 } }

  /// How far our counts of the same window are from the kernel's.
  ///
  /// - Parameters:
  ///   - counts: of a window in which this process did no other I/O to devices than what was taken out of these counts.
  ///   - unseen: what the file device knows the kernel to count otherwise, of the same window.
  public func residual(
    against counts: DeviceCounts, unseen: UnseenByKernel = UnseenByKernel()
  ) -> KernelIOResidual {
    KernelIOResidual(
      oursRead: counts[.read].byteCount - min(unseen.unwrittenReadByteCount, counts[.read].byteCount),
      kernelRead: deviceReadByteCount, oursWrite: counts[.write].byteCount + unseen.zeroedByteCount,
      kernelWrite: deviceWriteByteCount)
  }
}

/// What a file device moves that the kernel counts otherwise.
public struct UnseenByKernel: Equatable, Sendable {
  /// Bytes read from ranges that were never written, or discarded since: no disk is asked.
  public var unwrittenReadByteCount: UInt64 = 0
  /// Zeros written for discards, where the file system has no holes.
  public var zeroedByteCount: UInt64 = 0

  /// Nothing.
  public init() {}

  /// These less earlier ones of the same device.
  public func subtracting(_ earlier: UnseenByKernel) -> UnseenByKernel {
    var result = self
    result.unwrittenReadByteCount -= earlier.unwrittenReadByteCount
    result.zeroedByteCount -= earlier.zeroedByteCount
    return result
  }
}

/// Our bytes and the kernel's, side by side.
public struct KernelIOResidual: Equatable, Sendable, CustomStringConvertible {
  /// Bytes read, by our count.
  public var oursRead: UInt64
  /// Bytes read, by the kernel's.
  public var kernelRead: UInt64
  /// Bytes written, by our count.
  public var oursWrite: UInt64
  /// Bytes written, by the kernel's.
  public var kernelWrite: UInt64

  /// Kernel less ours, in bytes read.
  public var readByteCount: Int64 { Int64(clamping: kernelRead) - Int64(clamping: oursRead) }
  /// Kernel less ours, in bytes written.
  public var writeByteCount: Int64 { Int64(clamping: kernelWrite) - Int64(clamping: oursWrite) }

  /// What two right counts may differ by, in bytes: 1 % of ours + 1 MiB (metadata of the file system, rounding).
  public static func allowance(of ours: UInt64) -> UInt64 { ours / 100 + (1 << 20) }

  /// Whether both directions agree: required of O_DIRECT.
  public var agrees: Bool { disagreement(inPhase: "") == nil }

  /// The sentence that fails a run, nil when both directions agree.
  public func disagreement(inPhase phase: String) -> String? {
    for (verb, direction, ours, kernel, residual) in [
      ("read", "from", oursRead, kernelRead, readByteCount),
      ("written", "to", oursWrite, kernelWrite, writeByteCount),
    ] where residual.magnitude > Self.allowance(of: ours) {
      let reason =
        residual > 0
        ? "something in this process passes the counted device by"
        : "the counted device claims what no disk saw"
      return
        "in phase '\(phase)' the kernel counted \(kernel) bytes \(verb) \(direction) disks, the device \(ours): "
        + "a residual of \(residual) bytes, where \(Self.allowance(of: ours)) are allowed (1 % + 1 MiB); \(reason)"
    }
    return nil
  }

  /// One line for a report.
  public var description: String {
    "read: ours \(oursRead), kernel \(kernelRead) bytes; written: ours \(oursWrite), kernel \(kernelWrite) bytes"
  }
}
