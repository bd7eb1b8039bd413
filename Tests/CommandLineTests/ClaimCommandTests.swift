// Goal: claims, comparisons and the noise floor do on the command line what the guide says: verdicts in the record, in
// the output and in the exit status.
// Method: the built program on one small study in a temporary folder, run once for all that reads a record.

import Experiment
import Foundation
import Report
import Testing

@Suite("Command line: claims and comparisons", .serialized)
struct ClaimCommandTests {
  private static let study = """
    schema: 1
    study: pages
    repeats: 3
    memory_budget: 1MiB
    device: { kind: memory, capacity: 64MiB }
    workload: { records: 2_000 }
    commit: { batch_operations: 100 }
    engines:
      - { engine: append-log }
      - { engine: sqlite }
    phases:
      - { phase: load }
    axes:
      engines.sqlite.page_bytes: [4KiB, 8KiB]
    figures:
      - { figure: lines, metric: wa_total_end, axis: engines.sqlite.page_bytes, phase: load }
    claims:
      - { claim: log-is-cheap, sentence: The log writes less., kind: order, metric: wa_total_end, phase: load, series: [append-log, { engine: sqlite, where: { page_bytes: 4KiB } }], at_least: 2 }
    """
  private static let wrong = """

      - { claim: log-is-dear, sentence: The log writes more., kind: order, metric: wa_total_end, phase: load, series: [{ engine: sqlite, where: { page_bytes: 4KiB } }, append-log] }
    """
  private static let open = """

      - { claim: log-is-fast, sentence: The log is a little faster., kind: ratio, metric: ops_per_s, phase: load, series: [append-log, append-log], at_least: 1 }
    """

  @Test("verdicts are in the record, in the output and, when asked for, in the exit status")
  func verdicts() throws {
    let place = try Workplace()
    let good = try place.write(Self.study, to: "good.yaml")
    let held = try betula("run", good, "--out", "good", "--check-claims", in: place)
    #expect(held.status == 0, "\(held.errors)")
    #expect(held.output.contains("claims: 1 held"))
    #expect(
      String(decoding: try place.bytes("good/claims.csv"), as: UTF8.self).contains("order,wa_total_end,held"))
    #expect(try betula("report", "good", "--check-claims", "--quiet", in: place).status == 0)
    let bad = try place.write(Self.study + Self.wrong, to: "bad.yaml")
    #expect(try betula("run", bad, "--out", "bad", "--quiet", in: place).status == 0, "only when asked for")
    let notHeld = try betula("report", "bad", "--check-claims", in: place)
    #expect(notHeld.status == 2)
    #expect(notHeld.output.contains("claims: 1 held, 1 not held"))
    let open = try place.write(Self.study + Self.open, to: "open.yaml")
    let undecided = try betula("run", open, "--out", "open", "--check-claims", in: place)
    #expect(undecided.status == 3)
    #expect(undecided.output.contains("not called a difference on a shared machine"))
    #expect(!String(decoding: try place.bytes("open/claims.csv"), as: UTF8.self).contains("log-is-fast"))
    #expect(place.exists("open/figures/claims_timing.csv"))
    #expect(try place.bytes("good/claims.csv") == place.bytes("open/claims.csv"))
  }

  @Test("an axis on the command line takes the place of the study's, and draws")
  func axis() throws {
    let place = try Workplace()
    let study = try place.write(Self.study, to: "s.yaml")
    let run = try betula(
      "run", study, "--axis", "engines.sqlite.page_bytes=4KiB,8KiB,16KiB", "--axis",
      "device.transfer_unit=4KiB",
      "--set", "repeats=1", "--out", "a", "--quiet", in: place)
    #expect(run.status == 0, "\(run.errors)")
    let table = String(decoding: try place.bytes("a/figures/lines_load.csv"), as: UTF8.self)
    // The head, a point for each page size, and the log as a level.
    #expect(table.split(separator: "\n").count == 5)
    #expect(String(decoding: try place.bytes("a/runs.csv"), as: UTF8.self).contains("p_device_transfer_unit"))
    let plan = try betula("plan", study, "--axis", "engines.sqlite.page_bites=4KiB", in: place)
    #expect(plan.status == 65 && plan.errors.contains("page_bytes"))
    #expect(
      try betula("plan", study, in: place).output.contains("log-is-cheap (order): The log writes less."))
  }

  @Test("two engines of a record, two records, and what cannot be compared")
  func compare() throws {
    let place = try Workplace()
    let study = try place.write(Self.study, to: "s.yaml")
    for (name, page) in [("a", "4KiB"), ("b", "8KiB")] {
      let run = try betula(
        "run", study, "--set", "engines.sqlite.page_bytes=\(page)", "--out", name, "--quiet", in: place)
      #expect(run.status == 0, "\(run.errors)")
    }
    let within = try betula(
      "compare", "a", "--engines", "append-log,sqlite", "--metrics", "wa_total_end", in: place)
    #expect(within.status == 0 && within.output.contains("larger"), "\(within.errors)")
    let between = try betula("compare", "a", "b", "--csv", "--metrics", "wa_total_end,ops_per_s", in: place)
    #expect(between.output.split(separator: "\n").count == 5, "\(between.output)")
    #expect(
      between.output.contains("load,append-log,append-log,wa_total_end")
        && between.output.contains("no difference shown"))
    let json = try betula("compare", "a", "b", "--json", in: place)
    #expect(throws: Never.self) { _ = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) }
    #expect(try betula("compare", "a", in: place).status == 64)
    let unknown = try betula("compare", "a", "b", "--metrics", "wa_totl_end", in: place)
    #expect(unknown.status == 65 && unknown.errors.contains("wa_total_end"))
    #expect(try betula("compare", "a", "--engines", "append-log,btree", in: place).status == 65)
  }

  @Test("the noise floor compares an engine with itself")
  func noise() throws {
    let place = try Workplace()
    let doctor = try betula("doctor", "--noise", "--json", in: place)
    #expect(doctor.output.contains("\"smallest_detectable_ratio\""), "\(doctor.errors)")
    #expect(throws: Never.self) { _ = try JSONSerialization.jsonObject(with: Data(doctor.output.utf8)) }
  }

  @Test("the models a study may name are the models a report has")
  func modelWords() {
    #expect(StudyVocabulary.standard.models.sorted() == Report.modelNames.sorted())
  }
}
