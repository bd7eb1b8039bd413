// Goal: a study can say what drive lies below its device; runs without one are what they were.
// Method: decoded studies, their plans and ids; small runs whose flash counts are held against the device's.

import EngineCatalogue
import Foundation
import KeyValue
import Results
import Testing

@testable import Experiment

private func text(_ flash: String, engine: String = "sqlite", axes: String = "") -> String {
  """
  schema: 1
  study: drive
  memory_budget: 1MiB
  device: { kind: memory, capacity: 256MiB\(flash.isEmpty ? "" : ", flash: \(flash)") }
  workload: { records: 4_000, key_bytes: 16, value_bytes: 84 }
  commit: { batch_operations: 50, sync_every_commits: 0 }
  engines: [{ engine: \(engine) }]
  phases:
    - { phase: load, order: random }
    - { phase: settle }
    - { phase: write, name: rewrite, operations: 6_000, operation: overwrite }
    - { phase: settle, name: settle_end }
  \(axes)
  """
}

private func plan(_ text: String, sets: [String] = []) throws -> Plan {
  try Plan(Study.decode(text, file: "drive", sets: sets, vocabulary: .standard), vocabulary: .standard)
}

private func run(_ spec: RunSpec) throws -> RunOutcome {
  try RunExecutor(spec: spec, entry: try #require(engineEntry(named: spec.engine))).execute()
}

private func count(_ row: RunRow, _ name: String) -> UInt64? {
  guard case .count(let value)? = row["statistic_flash_\(name)"] else { return nil }
  return value
}

@Suite("Study: flash drive")
struct FlashStudyTests {
  @Test("what is left out is the default, and enters the run as numbers")
  func defaults() throws {
    let study = try Study.decode(text("{}"), file: "drive", vocabulary: .standard)
    #expect(study.device.flash == FlashSpec())
    #expect(try Study.decode(study.yaml, file: "again", vocabulary: .standard) == study)
    let drive = try #require(try plan(text("{}")).runs[0].device.flash)
    // 4,000 records of 100 bytes, twice: less than sixteen erase blocks, so those.
    #expect(drive.capacity == .bytes(16 << 20) && drive.pageByteCount == 4_096)
    let sets = [
      "device.transfer_unit=16KiB", "device.flash.capacity=data*60.5", "device.flash.precondition=fresh",
    ]
    let other = try #require(try plan(text("{}"), sets: sets).runs[0].device.flash)
    #expect(other.capacity == .bytes(24_200_000) && other.pageByteCount == 16_384)
    #expect(other.precondition == .fresh && other.configuration.exportedBlockCount == 24)
  }

  @Test("a study without a drive has the ids it had; a drive changes them")
  func ids() throws {
    let without = try plan(text("")).runs[0]
    #expect(!without.canonicalText.contains("flash"))
    let empty = try plan(text(" ")).runs[0]
    #expect(empty.id == without.id)
    let with = try plan(text("{}")).runs[0]
    #expect(with.id != without.id)
    // Equal drives are equal however they are written.
    let spelled = "{ capacity: 16MiB, spare: 0.07, page: 4KiB, erase_block: 1MiB, precondition: full }"
    #expect(try plan(text(spelled)).runs[0].id == with.id)
    #expect(try plan(text("{ capacity: data*1.5 }")).runs[0].id == with.id)
  }

  @Test("keys of a drive can be axes and overrides, also where there was no drive")
  func axes() throws {
    let spares = try plan(text("", axes: "axes: { device.flash.spare: [0.07, 0.28] }"))
    #expect(spares.runs.map { $0.device.flash?.spareFraction } == [0.07, 0.28])
    #expect(Set(spares.runs.map(\.id)).count == 2)
    let sizes = try plan(
      text("{ spare: 0.2 }"), sets: ["device.flash.capacity=16MiB,data*100", "device.flash.page=8KiB"])
    #expect(sizes.runs.map { $0.device.flash?.capacity } == [.bytes(16 << 20), .bytes(40_000_000)])
    #expect(
      sizes.runs.allSatisfy {
        $0.device.flash?.spareFraction == 0.2 && $0.device.flash?.pageByteCount == 8_192
      })
    #expect(sizes.study.yaml.contains("data*100"))
    #expect(throws: StudyProblems.self) {
      _ = try plan(text("{}", axes: "axes: { device.flash.page: [4KiB, 1MiB] }"))
    }
  }

  @Test("mistakes are named with the key")
  func mistakes() {
    func listing(_ flash: String, sets: [String] = []) -> String {
      do {
        _ = try Study.decode(text(flash), file: "s.yaml", sets: sets, vocabulary: .standard)
        return ""
      } catch {
        return error.description
      }
    }
    #expect(listing("{ spar: 0.1 }").contains("device.flash.spar"))
    #expect(listing("{ spar: 0.1 }").contains("spare"))
    #expect(listing("{ spare: 1.5 }").contains("device.flash.spare"))
    #expect(listing("{ capacity: data/2 }").contains("device.flash.capacity"))
    #expect(listing("{ page: 3000 }").contains("a power of two"))
    #expect(listing("{ page: 512KiB }").contains("device.flash.erase_block"))
    #expect(listing("{ precondition: used }").contains("device.flash.precondition"))
    #expect(listing("7").contains("a map of keys is wanted"))
    #expect(listing("{}", sets: ["axes.x=1"]).contains("cannot be set"))
    #expect(listing("{}", sets: ["device.flash.spar=0.1,0.2"]).contains("device.flash"))
  }

  @Test(
    "programmed bytes are the device's written bytes and what was moved", arguments: ["append-log", "sqlite"])
  func conservation(engine: String) throws {
    let spec = try plan(text("{ capacity: 16MiB, erase_block: 256KiB, spare: 0.1 }", engine: engine)).runs[0]
    let outcome = try run(spec)
    #expect(outcome.failure == nil)
    for row in outcome.runs {
      let host = try #require(count(row, "host_bytes"))
      #expect(host == row.deviceWriteBytes)
      #expect(count(row, "programmed_bytes") == host + (count(row, "moved_bytes") ?? 0))
      #expect(row["p_flash_spare"] == .text("0.1"))
      #expect(row["p_flash_capacity"] == .text("16777216"))
    }
    let rewrite = try #require(outcome.runs.first { $0.phaseName == "rewrite" })
    let (total, flash) = (try #require(rewrite.waTotalEnd), try #require(rewrite.waFlashEnd))
    #expect(flash >= total)
    #expect(try #require(rewrite.waFlashAck) <= flash)
    #expect(try #require(rewrite.waFlashSettled) >= flash)
    let again = try run(spec)
    #expect(Table<RunColumns>.text(again.runs) == Table<RunColumns>.text(outcome.runs))
  }

  @Test("without a drive the cells stay empty, and nothing else changes")
  func absent() throws {
    let plain = try run(try plan(text("")).runs[0])
    let modelled = try run(try plan(text("{}")).runs[0])
    for (one, other) in zip(plain.runs, modelled.runs) {
      #expect(one.waFlashEnd == nil && one["p_flash_spare"] == nil && count(one, "host_bytes") == nil)
      #expect(one.waTotalEnd == other.waTotalEnd && one.deviceWriteBytes == other.deviceWriteBytes)
    }
    #expect(plain.deviceHash == modelled.deviceHash)
  }

  @Test("a drive that is too small: refused by the plan, or the run fails and says what it needs")
  func tooSmall() throws {
    let small = "{ capacity: 1MiB, erase_block: 64KiB }"
    let outline = PlanOutline(
      try plan(text(small), sets: ["workload.records=20_000"]), vocabulary: .standard)
    #expect(
      outline.rows[0].refusals == [
        "the records are 1.91 MiB, and the flash drive exports 1.00 MiB; raise device.flash.capacity or lower the records"
      ])
    // What is likely not to fit is a warning.
    let tight = PlanOutline(
      try plan(text("{ capacity: 1MiB, erase_block: 16KiB }"), sets: ["workload.records=9_000"]),
      vocabulary: .standard)
    #expect(tight.rows[0].refusals.isEmpty)
    #expect(
      tight.total.warnings.contains { $0.contains("the flash drive exports 1.00 MiB; the run may fail") })
    let outcome = try run(try plan(text(small)).runs[0])
    let reason = try #require(outcome.failure)
    #expect(reason.contains("the flash drive exports 1048576 bytes (256 pages)"))
    #expect(reason.contains("raise device.flash.capacity"))
    #expect(outcome.runs.allSatisfy { $0.status == .failed })
  }
}
