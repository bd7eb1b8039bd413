// What a phase moved and took: readings of every counter of a run, and the differences between two of them.
//
//   reading at start ──▶ operations ──▶ reading "ack" ──▶ checkpoint ──▶ reading "end"
//
// Invariants
// 1. A reading copies counters and changes none.
// 2. Clock readings go to `timing.csv` and `latency.csv` only.

import Accounting
import CSystem
import Storage

/// Every counter of a run at one moment.
struct MeterReading {
  var ledger: IOLedger
  var counts: DeviceCounts
  var charge: TimeCharge
  /// B of the disk-access model that `charge` counts blocks of, in bytes.
  var blockByteCount: Int
  /// What the modelled flash drive has done, nil without one.
  var flash: FlashCounts?
  var wallNanoseconds: UInt64
  var userNanoseconds: UInt64
  var systemNanoseconds: UInt64
  /// The kernel's count of the process, without what a trace file was charged.
  var kernel: KernelIOCounters?
  /// What the file device moved that the kernel counts otherwise.
  var unseenByKernel: UnseenByKernel

  init(_ device: RunDevice) {
    ledger = device.channel.ledger
    counts = device.stack.counting.counts
    charge = device.timed.charge
    blockByteCount = device.timed.clock.model.blockByteCount
    flash = device.stack.flash?.counts
    unseenByKernel = device.stack.file?.unseenByKernel ?? UnseenByKernel()
    let charge = device.stack.tracing?.writer.kernelCharge ?? KernelIOCounters()
    kernel = KernelIOCounters.now()?.subtracting(charge)
    let cpu = betula_process_cpu_times()
    userNanoseconds = cpu.user_nanoseconds
    systemNanoseconds = cpu.system_nanoseconds
    wallNanoseconds = betula_monotonic_nanoseconds()
  }

  /// Seconds of wall clock, user and system time since an earlier reading.
  func seconds(since earlier: MeterReading) -> (wall: Double, user: Double, system: Double) {
    (
      Double(wallNanoseconds - earlier.wallNanoseconds) / 1e9,
      Double(userNanoseconds - earlier.userNanoseconds) / 1e9,
      Double(systemNanoseconds - earlier.systemNanoseconds) / 1e9
    )
  }
}
