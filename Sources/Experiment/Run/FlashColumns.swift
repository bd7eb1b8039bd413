// What a row says of the modelled flash drive: its amplification, and the parts it is made of.
//
//   wa_flash_… = bytes programmed (host pages + moved pages) ÷ logical bytes, at the moments of the other amplifications

import Accounting
import Results
import Storage

extension RunRow {
  /// Fills the drive's counts of a phase, and what the drive is; nothing without a drive.
  mutating func fillFlash(_ start: MeterReading, _ end: MeterReading) {
    guard let counts = end.flash(since: start) else { return }
    setStatistic("flash_erased_blocks", counts.erasedBlockCount)
    setStatistic("flash_host_bytes", counts.hostByteCount)
    setStatistic("flash_moved_bytes", counts.movedByteCount)
    setStatistic("flash_programmed_bytes", counts.programmedByteCount)
    setStatistic("flash_trimmed_pages", counts.trimmedPageCount)
  }

  /// Names the drive, as parameters of the run; nothing without a drive.
  mutating func setParameters(of flash: FlashSpec?) {
    guard let flash else { return }
    let drive = flash.configuration
    setParameter("flash_capacity", String(drive.exportedBlockCount * drive.eraseBlockByteCount))
    setParameter("flash_erase_block", String(drive.eraseBlockByteCount))
    setParameter("flash_page", String(drive.pageByteCount))
    setParameter("flash_precondition", drive.precondition.rawValue)
    setParameter("flash_spare", String(drive.spareFraction))
  }
}

extension MeterReading {
  /// What the drive has done since an earlier reading, nil without a drive.
  func flash(since earlier: MeterReading) -> FlashCounts? {
    guard let now = flash, let before = earlier.flash else { return nil }
    return now.subtracting(before)
  }

  /// `wa_flash` of the time since an earlier reading, nil without a drive or without logical bytes.
  func flashAmplification(since earlier: MeterReading, logicalWriteByteCount: UInt64) -> Double? {
    flash(since: earlier).flatMap {
      WriteAmplification.flash(
        programmedByteCount: $0.programmedByteCount, logicalWriteByteCount: logicalWriteByteCount)
    }
  }
}
