// A kept volume, looked at from outside: both superblocks, who owns which bytes, and everything that is wrong.
//
//   superblocks ─▶ space map, pending log, directory, logs ─▶ the engine's own account ─▶ owners = allocated units?
//       │ wrong: a finding           │ wrong: a finding               │ wrong: a finding      │ leaked, owned twice
//
// The ownership map lists every byte range that somebody owns, and whether a checksum covers it: a flipped bit in a
// covered range must be found, one in an uncovered range (the spare part of a log, free space) cannot matter.
//
// Invariants
// 1. Nothing is written; every structure is read with the cause `verification`.
// 2. A structure is looked at only when what points to it is right; what could not be looked at is said.
// 3. Owners are sorted by offset, and do not overlap when there is no finding.

import Accounting
import Primitives

/// A stretch of a volume and who owns it.
public struct OwnedRange: Equatable, Sendable {
  /// What it belongs to.
  public var structure: String
  /// The first byte on the device.
  public var offset: UInt64
  /// Its length in bytes.
  public var byteCount: UInt64
  /// Whether a checksum covers every byte of it.
  public var isChecked: Bool
}

/// One superblock slot.
public struct SuperblockDescription: Equatable, Sendable {
  /// 0 or 1.
  public var slot: Int
  /// Where it is.
  public var offset: UInt64
  /// Why it is not valid, nil when it is.
  public var problem: String?
  /// Its epoch, nil when it is not valid.
  public var epoch: UInt64?
  /// The engine it names.
  public var engineTag: String?
  /// The epoch that wrote its space map.
  public var spaceMapEpoch: UInt64?
  /// The capacity it says, in bytes.
  public var capacityByteCount: UInt64?
  /// Units of its pending log that hold records.
  public var pendingLogUsedUnitCount: Int?
}

/// What looking at a volume found.
public struct VolumeExamination: Sendable {
  /// Both slots.
  public var superblocks: [SuperblockDescription] = []
  /// What the volume says of itself, nil when it cannot be loaded.
  public var description: VolumeDescription?
  /// Who owns what, by offset.
  public var owners: [OwnedRange] = []
  /// What the engine says, nil when it was not asked.
  public var structure: StructureReport?
  /// What is wrong.
  public var findings: [VolumeFinding] = []
  /// Checksums computed and compared.
  public var checksumCount: UInt64 = 0
  /// What an opening would have to do first.
  public var recovery: [String] = []
  /// What it took, step by step; the engine's steps are in `structure`.
  public var steps: [ExaminationStep] = []
  /// Bytes that the newest commit freed, and that wait for the next one.
  public var waitingByteCount: UInt64 = 0
}

extension Volume {
  /// Looks at everything on a device that holds a volume.
  ///
  /// - Parameter structure: asks the engine for its own account of the loaded volume; false when nobody could be asked,
  ///   and then nothing is said about who owns what.
  /// - Throws: what the device throws. What is wrong with the bytes is a finding.
  public static func examine(
    channel: IOChannel,
    structure: (Volume, inout StructureReport) throws(StorageError) -> Bool
  ) throws(StorageError) -> VolumeExamination {
    var result = VolumeExamination()
    var meter = ExaminationMeter(channel)
    result.superblocks = try describeSuperblocks(channel)
    for slot in result.superblocks {
      guard let problem = slot.problem else { continue }
      result.findings.append(
        VolumeFinding(structure: "superblock", offset: slot.offset, detail: problem, isHarmless: true))
    }
    guard result.superblocks.contains(where: { $0.problem == nil }) else {
      for index in result.findings.indices { result.findings[index].isHarmless = false }
      result.steps = [meter.step("volume: superblocks")]
      return result
    }
    let (newest, _) = try readSuperblocks(channel, cause: .verification)
    let verified = shadow(of: newest, channel: channel)
    let remarks = result.findings
    result.findings = try verify(channel: channel, counting: verified).filter { finding in
      !remarks.contains { $0.offset == finding.offset && finding.structure == "superblock" }
    }
    result.checksumCount = verified.statistics.verifiedChecksumCount + UInt64(2 - remarks.count)
    result.findings.insert(contentsOf: remarks, at: 0)
    result.steps = [meter.step("volume: every record and page of it", checksumCount: result.checksumCount)]
    if result.findings.contains(where: { !$0.isHarmless }) { return result }

    let volume = shadow(of: newest, channel: channel)
    try volume.load(cause: .verification)
    result.description = volume.inspect()
    result.findings += try volume.tailRemarks(logEnds: verified.logEnds)
    var owners = volume.metadataOwners(logEnds: verified.logEnds)
    result.recovery += volume.recoverySentences()
    var report = StructureReport()
    var wasAsked = true
    let before = volume.statistics.verifiedChecksumCount
    result.steps.append(meter.step("volume: loaded again, as an opening does", checksumCount: before))
    do throws(StorageError) {
      wasAsked = try structure(volume, &report)
    } catch {
      try report.note(error)
    }
    let engineChecksumCount = volume.statistics.verifiedChecksumCount - before + report.checksumCount
    result.checksumCount += engineChecksumCount
    let whole = meter.step("engine '\(volume.engineTag)'", checksumCount: engineChecksumCount)
    result.steps += report.steps.isEmpty ? [whole] : report.steps
    if wasAsked {
      result.recovery += report.recovery
      owners += report.claims.map {
        OwnedRange(
          structure: $0.structure, offset: $0.extent.offset, byteCount: UInt64(max(0, $0.extent.byteCount)),
          isChecked: true)
      }
      result.findings += report.findings
      result.findings += volume.ownershipFindings(
        report.claims, reportsLeaks: report.findings.allSatisfy(\.isHarmless))
      result.structure = report
    }
    result.owners = owners.sorted { ($0.offset, $0.byteCount) < ($1.offset, $1.byteCount) }
    result.waitingByteCount = volume.accounting().deferredByteCount
    return result
  }

  private static func describeSuperblocks(
    _ channel: IOChannel
  ) throws(StorageError) -> [SuperblockDescription] {
    let device = channel.device
    let unit = device.transferUnitByteCount
    var result: [SuperblockDescription] = []
    for slot in 0..<2 {
      let offset = UInt64(slot * unit)
      var description = SuperblockDescription(slot: slot, offset: offset)
      result.append(description)
      guard device.capacityByteCount >= offset + UInt64(unit) else {
        result[slot].problem = "the image ends before it, after \(device.capacityByteCount) bytes"
        continue
      }
      let (frame, start) = try channel.read(at: offset, byteCount: unit, cause: .verification)
      let bytes = UnsafeRawBufferPointer(start: frame.pointer + start, count: unit)
      do throws(StorageError) {
        let found = try Superblock.decode(
          bytes, slot: UInt64(slot), deviceCapacityByteCount: device.capacityByteCount)
        description.epoch = found.epoch
        description.engineTag = found.engineTag
        description.spaceMapEpoch = found.mapEpoch
        description.capacityByteCount = UInt64(found.capacityUnitCount) * UInt64(unit)
        description.pendingLogUsedUnitCount = found.pendingUsedUnitCount
        result[slot] = description
      } catch {
        guard case .corrupted(_, _, let detail) = error else { throw error }
        result[slot].problem = detail
      }
    }
    return result
  }

  /// The volume's own ranges, and how much of each a checksum covers.
  private func metadataOwners(logEnds: [UInt64]) -> [OwnedRange] {
    let unit = UInt64(transferUnitByteCount)
    var owners: [OwnedRange] = []
    func add(_ structure: String, _ start: UInt64, _ end: UInt64, _ isChecked: Bool) {
      if end <= start { return }
      owners.append(
        OwnedRange(structure: structure, offset: start, byteCount: end - start, isChecked: isChecked))
    }
    func add(_ structure: String, _ range: Range<Int>) {
      add(structure, UInt64(range.lowerBound) * unit, UInt64(range.upperBound) * unit, true)
    }
    add("superblock 0", 0..<1)
    add("superblock 1", 1..<2)
    if superblock.mapUnitCount > 0 {
      add("space map index", superblock.mapStartUnit..<(superblock.mapStartUnit + superblock.mapUnitCount))
      for chunk in map.chunkUnits where chunk != 0 { add("space map chunk", chunk..<(chunk + 1)) }
      let start = superblock.pendingStartUnit
      let used = start + superblock.pendingUsedUnitCount
      if used > start { add("pending log", start..<used) }
      let end = UInt64(start + superblock.pendingUnitCount) * unit
      add("pending log, spare", UInt64(used) * unit, end, false)
    }
    for page in directory.pageUnits { add("node directory page", page..<(page + 1)) }
    for (number, list) in logLists.enumerated() {
      if list.unitCount > 0 {
        add("log \(number) segment list", list.startUnit..<(list.startUnit + list.unitCount))
      }
      let logEnd = number < logEnds.count ? logEnds[number] : list.startPosition
      for segment in list.segments {
        let base = UInt64(segment.startUnit) * unit
        let fullEnd = segment.fullEnd(transferUnitByteCount)
        let usedStart = min(max(segment.base, list.startPosition), fullEnd)
        let usedEnd = max(usedStart, min(segment.end, fullEnd, logEnd))
        add("log \(number), truncated", base, base + (usedStart - segment.base), false)
        add("log \(number) records", base + (usedStart - segment.base), base + (usedEnd - segment.base), true)
        add("log \(number), spare", base + (usedEnd - segment.base), base + (fullEnd - segment.base), false)
      }
    }
    return owners
  }

  /// Bytes behind the last valid record of a log. The last unit of a log is padded with zeros, so that something else
  /// there was a record: torn by a crash before it was synced, or damaged; the log cannot tell which.
  private func tailRemarks(logEnds: [UInt64]) throws(StorageError) -> [VolumeFinding] {
    var remarks: [VolumeFinding] = []
    let unit = UInt64(transferUnitByteCount)
    for (number, list) in logLists.enumerated() {
      let end = logEnds[number]
      guard let segment = list.segments.last(where: { $0.base <= end }), segment.end == .max,
        end < segment.fullEnd(transferUnitByteCount)
      else { continue }
      let offset = UInt64(segment.startUnit) * unit + (end - segment.base)
      let (frame, start) = try channel.read(
        at: offset / unit * unit, byteCount: transferUnitByteCount, cause: .verification)
      let first = start + Int(offset % unit)
      let rest = frame.bytes[first..<(start + transferUnitByteCount)]
      if rest.allSatisfy({ $0 == 0 }) { continue }
      remarks.append(
        VolumeFinding(
          structure: "log \(number)", offset: offset,
          detail:
            "behind the last valid record, at position \(end), there are bytes of another: it was torn before it "
            + "was synced, is left of an earlier use of the extent, or is damaged", isHarmless: true))
    }
    return remarks
  }

  /// What an opening of the volume itself has to do.
  private func recoverySentences() -> [String] {
    let used = superblock.pendingUsedUnitCount
    if used == 0 || superblock.epoch == superblock.mapEpoch { return [] }
    return [
      "the pending log holds \(used) units of changes since the space map of epoch \(superblock.mapEpoch)"
    ]
  }

  /// Holds the engine's claims against the allocated units.
  private func ownershipFindings(
    _ claims: [StructureReport.Claim], reportsLeaks: Bool
  ) -> [VolumeFinding] {
    var findings: [VolumeFinding] = []
    func add(_ structure: String, _ offset: UInt64, _ detail: String) {
      findings.append(
        VolumeFinding(structure: structure, offset: offset, detail: detail, isHarmless: false))
    }
    let unit = UInt64(transferUnitByteCount)
    var owned = UnitBitmap()
    for (_, range) in ownUnits { owned.insert(range) }
    for claim in claims {
      let (start, count) = (claim.extent.offset / unit, UInt64(max(0, claim.extent.byteCount)) / unit)
      guard claim.extent.offset % unit == 0, count > 0, start < UInt64(unitCount),
        count <= UInt64(unitCount) - start
      else {
        add(claim.structure, claim.extent.offset, "its extent \(claim.extent) is not inside the volume")
        continue
      }
      let range = Int(start)..<Int(start + count)
      if !durable.containsAll(range) {
        add(claim.structure, claim.extent.offset, "its extent \(claim.extent) is not allocated")
      }
      if !owned.containsNone(range) {
        add(claim.structure, claim.extent.offset, "its extent \(claim.extent) belongs to something else too")
      }
      owned.insert(range)
    }
    guard reportsLeaks else { return findings }
    durable.forEachRun { run in
      var position = run.lowerBound
      while position < run.upperBound {
        if owned.contains(position) {
          position += 1
          continue
        }
        let end = min(run.upperBound, owned.firstSet(from: position) ?? run.upperBound)
        let leaked = extent(position..<end)
        add("space map", leaked.offset, "\(leaked) is allocated and belongs to nothing: it is leaked")
        position = end
      }
    }
    let account = accounting()
    let sum =
      account.freeByteCount + account.liveByteCount + account.deferredByteCount + account.metadataByteCount
      + account.logByteCount
    if sum != account.capacityByteCount {
      add(
        "space map", 0,
        "live + free + waiting + metadata are \(sum) bytes, the volume has \(account.capacityByteCount)")
    }
    return findings
  }
}
