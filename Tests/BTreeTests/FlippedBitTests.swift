// Goal (integrity): whatever bit of a volume is flipped, no read ever shows a wrong answer: the damage is found where it is when the
// image is examined, and what depends on it answers with an error; or the bit lies where nothing is.
// Method: a volume with the engine's own keys, buckets, long values, a space map, a pending log and the engine's log, closed or left
// by a crash; a thousand seeded bits each. The ownership map of the clean image says what a bit belongs to; the damaged image is
// examined, opened, read in all its buckets, and verified.

import Accounting
import EngineCatalogue
import KeyValue
import Primitives
import Testing

@testable import BTree
@testable import Storage

@Suite struct FlippedBitTests {
  struct Specimen: Sendable, CustomStringConvertible {
    var commit: String
    var isClosed: Bool
    var description: String { "\(commit), \(isClosed ? "closed" : "left by a crash")" }

    var changes: [String: ParameterValue] {
      ["commit": .text(commit), "log_segment_bytes": .integer(32_768), "checkpoint_operations": .integer(0)]
    }

    static let all = [
      Specimen(commit: "path-copy", isClosed: true), Specimen(commit: "path-copy", isClosed: false),
      Specimen(commit: "log", isClosed: true), Specimen(commit: "log", isClosed: false),
    ]

    /// The volume, and what it answered after each durable commit.
    func make() throws -> (memory: MemoryDevice, answers: [UInt64]) {
      let memory = MemoryDevice(capacityByteCount: 4 << 20)
      let engine = try Bench.open(memory, changes, 4 << 20, creates: true)
      var answers = [try engine.answers()]
      for round in 0..<12 {
        try engine.write(sync: true) { (transaction) throws(EngineError) in
          for bucket in [nil, Array("left".utf8), Array("right".utf8)] as [[UInt8]?] {
            if let bucket { try transaction.create(bucket) }
            for step in 0..<10 {
              let number = Int(draw(7, round * 100 + step) % 120)
              let byteCount = step == 3 ? 6_000 : Int(draw(8, round * 100 + step) % 300)
              try transaction.put(key(number), [UInt8](repeating: UInt8(round), count: byteCount), in: bucket)
            }
          }
        }
        answers.append(try engine.answers())
        if round == 7 { try engine.checkpoint() }
      }
      if isClosed { try engine.close() }
      withExtendedLifetime(engine) {}
      return (memory, answers)
    }
  }

  /// What the engine does with a damaged image.
  private enum Answer: Equatable {
    case error, right, wrong
    /// So many durable commits before the last.
    case older(Int)
  }

  private func answer(
    _ memory: MemoryDevice, _ specimen: Specimen, _ answers: [UInt64]
  ) throws -> (reading: Answer, isVerified: Bool) {
    do {
      let engine = try Bench.open(memory, specimen.changes, 4 << 20, creates: false)
      var isVerified = true
      do { try engine.verify() } catch { isVerified = false }
      try engine.dropCache()
      let found = try engine.answers()
      guard let place = answers.lastIndex(of: found) else { return (.wrong, isVerified) }
      return (place == answers.count - 1 ? .right : .older(answers.count - 1 - place), isVerified)
    } catch is EngineError {
      return (.error, false)
    }
  }

  private func examine(_ memory: MemoryDevice) throws -> ImageExamination {
    try ImageExamination(
      memory, format: .volume(transferUnitByteCount: 4_096), byteCount: memory.capacityByteCount)
  }

  @Test(arguments: Specimen.all)
  func everyBitIsFoundOrBelongsToNothing(specimen: Specimen) throws {
    let (memory, answers) = try specimen.make()
    let clean = try examine(memory)
    #expect(clean.isSound)
    #expect(try answer(memory.clone(), specimen, answers).reading == .right)
    let engineStructures = Set((clean.structure?.claims ?? []).map(\.structure))
    let used = clean.owners.map { $0.offset + $0.byteCount }.max() ?? 0
    var tally: [String: Int] = [:]
    for number in 0..<1_000 {
      // Two in three lie in something, each thing with the same weight; the others anywhere, up to a little beyond.
      var offset = draw(9, number * 3) % (used + 65_536)
      if number % 3 != 0 {
        let owner = clean.owners[Int(draw(9, number * 3 + 1) % UInt64(clean.owners.count))]
        offset = owner.offset + draw(9, number * 3 + 2) % owner.byteCount
      }
      let damaged = memory.clone()
      damaged.flipBit(ofByteAt: offset, bit: number % 8)
      let found = try examine(damaged)
      let owner = clean.owners.first { $0.offset <= offset && offset - $0.offset < $0.byteCount }
      let (reading, isVerified) = try answer(damaged, specimen, answers)
      let place = "\(specimen), flip \(number) at \(offset), \(owner?.structure ?? "nobody's")"
      guard let owner, owner.isChecked else {
        #expect(found.isSound && reading == .right && isVerified, "\(place)")
        tally["nobody's", default: 0] += 1
        continue
      }
      let isLog = owner.structure.hasPrefix("log") && owner.structure.hasSuffix("records")
      // A record of the log may begin in another segment.
      #expect(
        found.findings.contains {
          isLog ? $0.structure == "log 0" : $0.offset <= offset && $0.offset >= owner.offset
        }, "\(place): \(found.findings)")
      if engineStructures.contains(owner.structure) {
        // Pages and long values: whoever reads them gets an error; replaying the log may have replaced them unread.
        let isReplaced = specimen.commit == "log" && !specimen.isClosed && reading == .right && isVerified
        #expect(reading == .error && !isVerified || isReplaced, "\(place): \(reading)")
        tally[isReplaced ? "replaced" : "the trees'", default: 0] += 1
      } else if owner.structure.hasPrefix("superblock") {
        // The other one is used.
        #expect(reading != .wrong, "\(place): \(reading)")
        tally["superblocks", default: 0] += 1
      } else if isLog {
        // An error; or, in its last record, a cut as of a write that was torn before it was synced.
        #expect(reading == .error || reading == .older(1), "\(place): \(reading)")
        tally["the log's records", default: 0] += 1
      } else {
        #expect(reading == .error || !isVerified, "\(place): \(reading)")
        tally["the volume's", default: 0] += 1
      }
    }
    #expect(tally["the trees'", default: 0] > 200, "\(tally)")
    #expect(tally["the volume's", default: 0] > 5 && tally["superblocks", default: 0] > 5, "\(tally)")
    #expect(tally["nobody's", default: 0] > 20, "\(tally)")
    if specimen.commit == "log", !specimen.isClosed {
      #expect(tally["the log's records", default: 0] > 5, "\(tally)")
    }
  }
}
