// The kernel's count of this process's I/O, to hold ours against. A third opinion, independent of both the ledger
// and the counting device.
//
//   O_DIRECT files    read_bytes, write_bytes = ours within 1 % + 1 MiB, or something is wrong
//                     (ranges of the file never written are read without any device: write them first)
//   buffered files    the page cache merges and defers: the residual is printed, not judged
//
// `write_bytes` counts what was dirtied; for buffered writes the kernel charges whole folios, so it says little.

import Accounting
import CSystem
import Primitives

/// Bytes and calls of this process since it began, from `/proc/self/io`.
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

  /// The counts of now; nil where the kernel does not offer them.
  public static func now() -> KernelIOCounters? {
    var raw = betula_process_io()
    guard betula_process_io(&raw) == 0 else { return nil }
    var result = KernelIOCounters()
    result.readCallByteCount = raw.rchar
    result.writeCallByteCount = raw.wchar
    result.readCallCount = raw.syscr
    result.writeCallCount = raw.syscw
    result.deviceReadByteCount = raw.read_bytes
    result.deviceWriteByteCount = raw.write_bytes
    return result
  }

  /// These counts less earlier ones.
  public func subtracting(_ earlier: KernelIOCounters) -> KernelIOCounters {
    var result = KernelIOCounters()
    result.readCallByteCount = readCallByteCount &- earlier.readCallByteCount
    result.writeCallByteCount = writeCallByteCount &- earlier.writeCallByteCount
    result.readCallCount = readCallCount &- earlier.readCallCount
    result.writeCallCount = writeCallCount &- earlier.writeCallCount
    result.deviceReadByteCount = deviceReadByteCount &- earlier.deviceReadByteCount
    result.deviceWriteByteCount = deviceWriteByteCount &- earlier.deviceWriteByteCount
    return result
  }

  /// How far our counts of the same window are from the kernel's.
  ///
  /// - Parameter counts: of a window in which this process did no other I/O to devices (a trace written to a file
  ///   is other I/O).
  public func residual(against counts: DeviceCounts) -> KernelIOResidual {
    KernelIOResidual(
      oursRead: counts[.read].byteCount, kernelRead: deviceReadByteCount, oursWrite: counts[.write].byteCount,
      kernelWrite: deviceWriteByteCount)
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

  /// Whether both directions agree within 1 % of ours + 1 MiB: required of O_DIRECT.
  public var agrees: Bool {
    readByteCount.magnitude <= oursRead / 100 + (1 << 20)
      && writeByteCount.magnitude <= oursWrite / 100 + (1 << 20)
  }

  /// One line for a report.
  public var description: String {
    "read: ours \(oursRead), kernel \(kernelRead) bytes; written: ours \(oursWrite), kernel \(kernelWrite) bytes"
  }
}
