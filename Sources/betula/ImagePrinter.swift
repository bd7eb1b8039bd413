// An examined image as text and as JSON.

import EngineCatalogue
import Experiment
import Foundation
import Report
import Storage

/// Says what an examination found.
struct ImagePrinter {
  /// What `inspect` can be asked for.
  enum Section: CaseIterable { case superblocks, space, log, engine, files }

  let image: ImageExamination
  let note: KeptVolumeNote?
  private let sections: Set<Section>

  init(_ image: ImageExamination, note: KeptVolumeNote?, sections: Set<Section>) {
    self.image = image
    self.note = note
    self.sections = sections
  }

  // MARK: Text

  /// What `inspect` prints.
  var inspection: String {
    var text = head
    if sections.contains(.superblocks) { text += superblocks }
    if sections.contains(.space) { text += space }
    if sections.contains(.log) { text += logs }
    if sections.contains(.files) { text += files }
    if sections.contains(.engine) { text += engine }
    return text + findings
  }

  /// What `verify` prints.
  var verdict: String {
    let problems = image.findings.filter { !$0.isHarmless }.count
    var text = findings
    for sentence in image.recovery { text += "needs recovery: \(sentence)\n" }
    let counted =
      "\(image.checksumCount) checksums compared, \(ByteText.short(Int(clamping: image.readByteCount))) read"
    text += costs
    text +=
      problems == 0
      ? "sound: \(format); \(counted)\n"
      : "\(problems) problem\(problems == 1 ? "" : "s"): \(format); \(counted)\n"
    return text
  }

  /// What the look took.
  private var costs: String {
    var table = TextTable(
      columns: [TextTable.Column(name: "step", isNumeric: false)]
        + ["reads", "bytes", "checksums", "ms", "MiB/s"].map { TextTable.Column(name: $0, isNumeric: true) })
    for step in image.steps {
      let seconds = Double(step.nanoseconds) / 1e9
      let rate = seconds > 0 ? String(format: "%.0f", Double(step.readByteCount) / 1_048_576 / seconds) : "-"
      table.rows.append([
        step.name, "\(step.readCount)", "\(step.readByteCount)", "\(step.checksumCount)",
        String(format: "%.2f", seconds * 1_000), rate,
      ])
    }
    return "\nwhat the check took\n" + table.text + "\n"
  }

  private var format: String {
    let owner = image.engine.map { " of engine '\($0)'" } ?? ""
    return switch image.format {
    case .volume(let unit): "volume\(owner), transfer unit \(unit) bytes"
    case .fileSpace(let unit): "file space\(owner), transfer unit \(unit) bytes"
    case .blank: "blank image\(owner)"
    case .unknown: "no image that is known here"
    }
  }

  private var head: String {
    var text = "\(format)\n"
    text += "image: \(image.byteCount) bytes (\(ByteText.short(Int(clamping: image.byteCount))))\n"
    if let volume = image.volume?.description {
      text += "volume: format version \(volume.formatVersion), id \(volume.volumeID), epoch \(volume.epoch)\n"
    }
    if let note {
      let parameters = note.engineParameters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
      text += "run: \(note.runID) of study '\(note.study)', label '\(note.label)'\n"
      if !parameters.isEmpty { text += "parameters: \(parameters.joined(separator: " "))\n" }
    }
    return text
  }

  private var superblocks: String {
    var text = ""
    if let volume = image.volume {
      text += "\nsuperblocks\n"
      for slot in volume.superblocks {
        text += "  slot \(slot.slot) at offset \(slot.offset): "
        guard let epoch = slot.epoch else {
          text += "not valid: \(slot.problem ?? "unknown")\n"
          continue
        }
        let newest = epoch == volume.superblocks.compactMap(\.epoch).max() ? "newest, " : ""
        text +=
          "\(newest)epoch \(epoch), engine '\(slot.engineTag ?? "")', space map of epoch \(slot.spaceMapEpoch ?? 0), "
          + "\(slot.pendingLogUsedUnitCount ?? 0) pending units, capacity \(slot.capacityByteCount ?? 0) bytes\n"
      }
    }
    if let space = image.fileSpace {
      text += "\ndirectory, generation \(space.generation)\n"
      for (number, slot) in space.slots.enumerated() {
        let generation = slot.generation.map { ", generation \($0)" } ?? ""
        text += "  slot \(number) at offset \(slot.offset): \(slot.state)\(generation)\n"
      }
    }
    return text
  }

  private var space: String {
    var text = ""
    if let volume = image.volume?.description {
      let space = volume.accounting
      text += "\nspace\n"
      let rows: [(String, UInt64)] = [
        ("capacity", space.capacityByteCount), ("free", space.freeByteCount), ("live", space.liveByteCount),
        ("waiting", space.deferredByteCount), ("superblocks", space.superblockByteCount),
        ("space map", space.spaceMapByteCount), ("pending log", space.pendingLogByteCount),
        ("node directory", space.nodeDirectoryByteCount), ("logs", space.logByteCount),
        ("largest free extent", space.largestFreeExtentByteCount), ("used end", space.usedEndByteCount),
      ]
      for (name, count) in rows { text += "  \(padded(name, 20)) \(count)\n" }
    }
    if let space = image.fileSpace {
      text += "\nspace\n  \(padded("capacity", 20)) \(space.capacityByteCount)\n"
      text += "  \(padded("allocated", 20)) \(space.allocatedByteCount)\n"
      text += "  \(padded("largest free extent", 20)) \(space.largestFreeExtentByteCount)\n"
      text += "  \(padded("chunk", 20)) \(space.chunkByteCount)\n"
    }
    if image.owners.isEmpty { return text }
    var table = TextTable(columns: [
      TextTable.Column(name: "offset", isNumeric: true), TextTable.Column(name: "bytes", isNumeric: true),
      TextTable.Column(name: "owner", isNumeric: false), TextTable.Column(name: "checksum", isNumeric: false),
    ])
    let shown = 40
    for owner in image.owners.prefix(shown) {
      table.rows.append([
        "\(owner.offset)", "\(owner.byteCount)", owner.structure, owner.isChecked ? "covered" : "none",
      ])
    }
    text += "\n" + table.text
    if image.owners.count > shown {
      text += "… and \(image.owners.count - shown) more (--json has them all)\n"
    }
    return text
  }

  private var logs: String {
    guard let volume = image.volume?.description else { return "" }
    var text = ""
    for log in volume.logs where !log.segments.isEmpty {
      text +=
        "\nlog \(log.number): from position \(log.startPosition), durable to \(log.durablePosition) at the newest "
        + "superblock, \(log.segments.count) segments\n"
      for segment in log.segments.suffix(20) {
        text += "  \(segment.extent) position \(segment.position) era \(segment.era)\n"
      }
    }
    return text
  }

  private var files: String {
    guard let files = image.fileSpace?.files else { return "" }
    var text = "\nfiles\n"
    for file in files {
      let places = file.extents.prefix(8).map(\.description).joined(separator: " ")
      let rest = file.extents.count > 8 ? " … \(file.extents.count - 8) more" : ""
      text +=
        "  \(file.id) \(file.name): \(file.byteCount) bytes in \(file.allocatedByteCount) allocated at \(places)\(rest)\n"
    }
    return text
  }

  private var engine: String {
    var text = ""
    if let structure = image.structure {
      text += "\nengine '\(image.engine ?? "")'\n"
      for (name, value) in structure.facts { text += "  \(padded(name, 24)) \(value)\n" }
      if !structure.parts.isEmpty {
        var table = TextTable(
          columns: [TextTable.Column(name: "structure", isNumeric: false)]
            + ["level", "blocks", "bytes", "used", "fill", "entries"].map {
              TextTable.Column(name: $0, isNumeric: true)
            })
        for part in structure.parts {
          table.rows.append([
            part.structure, part.level.map(String.init) ?? "-", "\(part.blockCount)", "\(part.byteCount)",
            "\(part.usedByteCount)", part.fill.map { String(format: "%.1f %%", $0 * 100) } ?? "-",
            "\(part.entryCount)",
          ])
        }
        text += table.text
      }
    }
    for sentence in image.recovery { text += "needs recovery: \(sentence)\n" }
    return text
  }

  private var findings: String {
    let problems = image.findings.filter { !$0.isHarmless }
    let remarks = image.findings.filter(\.isHarmless)
    var text = ""
    for finding in problems { text += "PROBLEM \(place(finding)): \(finding.detail)\n" }
    for finding in remarks { text += "remark  \(place(finding)): \(finding.detail)\n" }
    return text.isEmpty ? "" : "\n" + text
  }

  private func place(_ finding: VolumeFinding) -> String {
    "\(finding.structure) at offset \(finding.offset)"
  }

  private func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}
