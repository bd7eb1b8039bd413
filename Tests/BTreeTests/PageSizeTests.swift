// Goal: a tree is a tree whatever its pages and the device's units are: pages of 64 KiB, pages of several units whose number is no
// power of two, units of 512 bytes and of 16 KiB.
// Method: for each such pair the conformance suite, the structural stress with its deletes, drains and reopenings, and a small crash
// sweep, as for the pages everybody uses.

import Accounting
import BTree
import EngineCatalogue
import KeyValue
import Storage
import Testing
import Trials

/// Pages and units.
struct PageSetting: Sendable, CustomStringConvertible {
  var pageByteCount: Int
  var unitByteCount: Int
  var commit: String

  var description: String { "pages of \(pageByteCount) in units of \(unitByteCount), \(commit)" }

  static let all = [
    PageSetting(pageByteCount: 65_536, unitByteCount: 4_096, commit: "path-copy"),
    PageSetting(pageByteCount: 65_536, unitByteCount: 512, commit: "log"),
    PageSetting(pageByteCount: 12_288, unitByteCount: 4_096, commit: "log"),
    PageSetting(pageByteCount: 4_608, unitByteCount: 512, commit: "path-copy"),
    PageSetting(pageByteCount: 4_096, unitByteCount: 512, commit: "log"),
    PageSetting(pageByteCount: 16_384, unitByteCount: 16_384, commit: "path-copy"),
    PageSetting(pageByteCount: 49_152, unitByteCount: 16_384, commit: "log"),
  ]

  var parameters: ParameterSet {
    var set = Bench.entry().defaultParameters
    set["page_bytes"] = .integer(pageByteCount)
    set["commit"] = .text(commit)
    set["checkpoint_operations"] = .integer(400)
    set["log_segment_bytes"] = .integer(max(65_536, 4 * unitByteCount))
    return set
  }

  /// Little more than the least.
  var memoryByteCount: Int { max(2 << 20, 160 * pageByteCount) }

  func open(_ memory: MemoryDevice, creates: Bool) throws(EngineError) -> BTreeEngine {
    try BTreeEngine.open(
      EngineEnvironment(
        channel: IOChannel(device: memory, pool: memory.pool),
        budget: MemoryBudget(limitByteCount: memoryByteCount), seed: 1, creates: creates, syncEveryCommits: 0),
      parameters: parameters)
  }

  func makeDevice() -> MemoryDevice {
    MemoryDevice(capacityByteCount: 256 << 20, transferUnitByteCount: unitByteCount)
  }
}

@Suite struct PageSizeTests {
  @Test(arguments: PageSetting.all, ConformanceSuite.checks)
  func conforms(setting: PageSetting, check: ConformanceCheck) throws {
    let suite = ConformanceSuite(randomOperationCount: 1_000) { _ in
      let memory = setting.makeDevice()
      return ConformanceSubject(
        engine: try setting.open(memory, creates: true),
        reopen: { try setting.open(memory, creates: false) })
    }
    try suite.run(check, seed: 2)
  }

  @Test(arguments: PageSetting.all)
  func structureSurvivesAllStages(setting: PageSetting) throws {
    let memory = setting.makeDevice()
    var stress = StructuralStress(
      seed: 71, operationCount: 24_000, keyCount: setting.pageByteCount > 20_000 ? 8_000 : 3_000,
      checkInterval: 1_000)
    let report = try stress.run(
      try setting.open(memory, creates: true), reopen: { try setting.open(memory, creates: false) })
    #expect(report.checkCount > 15 && report.reopenCount > 0)
  }

  @Test(arguments: PageSetting.all)
  func everyCrashLeavesAPromisedPrefix(setting: PageSetting) {
    var subject = TrialSubject(
      Bench.entry(), parameters: setting.parameters, label: setting.description)
    subject.capacityByteCount = 64 << 20
    subject.transferUnitByteCount = setting.unitByteCount
    subject.memoryByteCount = setting.memoryByteCount
    subject.seed = 72
    subject.atomByteCount = 512
    var options = CrashOptions()
    options.exhaustiveBudget = 60
    options.seededSubsetCount = 8
    options.maximumDistinctImageCount = 250
    let script = TrialScript.story(
      seed: 72, batchCount: 6, syncEveryCommits: 1, largestValueByteCount: 8_000)
    let outcome = CrashSweep(subject, script: script, options: options).run()
    #expect(outcome.isSound, "\(outcome.lifeFailure ?? outcome.failures.first?.description ?? "")")
    #expect(outcome.prefixCount > 1)
  }
}
