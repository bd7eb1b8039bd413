// `betula conformance`: puts an engine through every check of the contract.

import Accounting
import ArgumentParser
import EngineCatalogue
import KeyValue
import Storage

struct ConformanceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "conformance", abstract: "Put an engine through the conformance suite.")

  @Argument(help: "The engine's name.")
  var engine: String

  @Option(help: "The seed; a failure prints the one that repeats it.")
  var seed: UInt64 = 1

  @Option(help: "Only this check.")
  var check: String?

  @Option(help: "Operations of the model-based checks.")
  var operations = 2_000

  func run() throws {
    guard let entry = engineEntry(named: engine) else {
      let nearest = nearestEngineName(to: engine).map { "; nearest: \($0)" } ?? ""
      complain("there is no engine '\(engine)'\(nearest)")
      throw ExitStatus.badData
    }
    let suite = ConformanceSuite(randomOperationCount: operations) { seed in
      let memory = MemoryDevice(capacityByteCount: 1 << 30)
      let channel = IOChannel(device: memory)
      let budget = MemoryBudget(limitByteCount: 64 << 20)
      func open(creates: Bool) throws(EngineError) -> any Engine {
        try entry.open(
          EngineEnvironment(
            channel: channel, budget: budget, seed: seed, creates: creates, syncEveryCommits: 1),
          entry.defaultParameters)
      }
      return ConformanceSubject(
        engine: try open(creates: true), reopen: { try open(creates: false) },
        deviceWriteByteCount: { channel.totals.writeByteCount },
        heldMemoryByteCount: { budget.heldByteCount })
    }
    var failures = 0
    for check in ConformanceSuite.checks where self.check == nil || self.check == check.name {
      do {
        let applies = try suite.run(check, seed: seed)
        print("\(applies ? "passed " : "skipped") \(check.name): \(check.meaning)")
      } catch {
        failures += 1
        print("FAILED  \(check.name): \(error)")
      }
    }
    if failures > 0 { throw ExitStatus.runFailed }
  }
}
