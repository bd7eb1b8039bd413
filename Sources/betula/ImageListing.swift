// An examined image as JSON: everything, whatever sections were asked for.

import EngineCatalogue
import Experiment
import Foundation
import Storage

extension ImagePrinter {
  /// The whole examination.
  func json() throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    return String(decoding: try encoder.encode(ImageListing(image, note)), as: UTF8.self) + "\n"
  }
}

/// The JSON of an examination.
private struct ImageListing: Encodable {
  struct Finding: Encodable {
    var structure: String
    var offset: UInt64
    var detail: String
    var isHarmless: Bool
  }
  struct Superblock: Encodable {
    var slot: Int
    var offset: UInt64
    var problem: String?
    var epoch: UInt64?
    var engine: String?
    var spaceMapEpoch: UInt64?
    var capacityBytes: UInt64?
  }
  struct Space: Encodable {
    var capacityBytes: UInt64
    var freeBytes: UInt64
    var liveBytes: UInt64
    var waitingBytes: UInt64
    var superblockBytes: UInt64
    var spaceMapBytes: UInt64
    var pendingLogBytes: UInt64
    var nodeDirectoryBytes: UInt64
    var logBytes: UInt64
    var largestFreeExtentBytes: UInt64
  }
  struct Owner: Encodable {
    var structure: String
    var offset: UInt64
    var bytes: UInt64
    var hasChecksum: Bool
  }
  struct Segment: Encodable {
    var offset: UInt64
    var bytes: Int
    var position: UInt64
    var era: UInt64
  }
  struct Log: Encodable {
    var number: Int
    var startPosition: UInt64
    var durablePosition: UInt64
    var segments: [Segment]
  }
  struct File: Encodable {
    var id: UInt32
    var name: String
    var bytes: UInt64
    var allocatedBytes: UInt64
  }
  struct Step: Encodable {
    var name: String
    var reads: UInt64
    var readBytes: UInt64
    var checksums: UInt64
  }
  struct Part: Encodable {
    var structure: String
    var level: Int?
    var blocks: UInt64
    var bytes: UInt64
    var usedBytes: UInt64
    var entries: UInt64
  }

  var format: String
  var engine: String?
  var transferUnitBytes: Int?
  var imageBytes: UInt64
  var isSound: Bool
  var checksumsCompared: UInt64
  var volumeID: UInt64?
  var formatVersion: Int?
  var epoch: UInt64?
  var superblocks: [Superblock]
  var space: Space?
  var owners: [Owner]
  var logs: [Log]
  var files: [File]
  var facts: [String: String]
  var parts: [Part]
  var steps: [Step]
  var recovery: [String]
  var findings: [Finding]
  var note: KeptVolumeNote?

  init(_ image: ImageExamination, _ note: KeptVolumeNote?) {
    switch image.format {
    case .volume(let unit): (format, transferUnitBytes) = ("volume", unit)
    case .fileSpace(let unit): (format, transferUnitBytes) = ("file_space", unit)
    case .blank: (format, transferUnitBytes) = ("blank", nil)
    case .unknown: (format, transferUnitBytes) = ("unknown", nil)
    }
    engine = image.engine
    imageBytes = image.byteCount
    isSound = image.isSound
    checksumsCompared = image.checksumCount
    let volume = image.volume?.description
    volumeID = volume?.volumeID
    formatVersion = volume?.formatVersion
    epoch = volume?.epoch
    superblocks = (image.volume?.superblocks ?? []).map {
      Superblock(
        slot: $0.slot, offset: $0.offset, problem: $0.problem, epoch: $0.epoch, engine: $0.engineTag,
        spaceMapEpoch: $0.spaceMapEpoch, capacityBytes: $0.capacityByteCount)
    }
    space = volume.map { volume in
      let space = volume.accounting
      return Space(
        capacityBytes: space.capacityByteCount, freeBytes: space.freeByteCount,
        liveBytes: space.liveByteCount,
        waitingBytes: space.deferredByteCount, superblockBytes: space.superblockByteCount,
        spaceMapBytes: space.spaceMapByteCount, pendingLogBytes: space.pendingLogByteCount,
        nodeDirectoryBytes: space.nodeDirectoryByteCount, logBytes: space.logByteCount,
        largestFreeExtentBytes: space.largestFreeExtentByteCount)
    }
    owners = image.owners.map {
      Owner(structure: $0.structure, offset: $0.offset, bytes: $0.byteCount, hasChecksum: $0.isChecked)
    }
    logs = (volume?.logs ?? []).map { log in
      Log(
        number: log.number, startPosition: log.startPosition, durablePosition: log.durablePosition,
        segments: log.segments.map {
          Segment(
            offset: $0.extent.offset, bytes: $0.extent.byteCount, position: $0.position, era: $0.era)
        })
    }
    files = (image.fileSpace?.files ?? []).map {
      File(id: $0.id, name: $0.name, bytes: $0.byteCount, allocatedBytes: $0.allocatedByteCount)
    }
    facts = [:]
    for (name, value) in image.structure?.facts ?? [] { facts[name] = value }
    parts = (image.structure?.parts ?? []).map {
      Part(
        structure: $0.structure, level: $0.level, blocks: $0.blockCount, bytes: $0.byteCount,
        usedBytes: $0.usedByteCount, entries: $0.entryCount)
    }
    steps = image.steps.map {
      Step(
        name: $0.name, reads: $0.readCount, readBytes: $0.readByteCount, checksums: $0.checksumCount)
    }
    recovery = image.recovery
    findings = image.findings.map {
      Finding(structure: $0.structure, offset: $0.offset, detail: $0.detail, isHarmless: $0.isHarmless)
    }
    self.note = note
  }
}
