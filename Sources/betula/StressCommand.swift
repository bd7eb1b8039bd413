// `betula stress`: a long life of splits and merges, checked throughout.

import Accounting
import ArgumentParser
import EngineCatalogue
import Foundation
import KeyValue
import Storage

struct StressCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stress",
    abstract: "Grow and shrink an engine by millions of operations, checking its structure throughout.",
    discussion: """
      Random and ascending puts, deletes, range deletes and drains follow each other; every --check operations the engine \
      verifies itself and is scanned both ways against a model. Exit status: 0 sound; 1 not, with seed and operation.
      """)

  @Argument(help: "The engine's name.")
  var engine: String

  @Option(help: "Writes.")
  var operations = 2_000_000

  @Option(help: "Different keys.")
  var keys = 200_000

  @Option(help: "Writes from one full check to the next.")
  var check = 100_000

  @Option(help: "The seed; a failure prints the one that repeats it.")
  var seed: UInt64 = 1

  @Option(help: "Memory of the engine in MiB.")
  var memory = 16

  @Option(parsing: .upToNextOption, help: "Engine parameters: name=value.")
  var set: [String] = []

  func validate() throws {
    guard operations > 0, keys >= 16, check > 0, memory > 0 else {
      throw ValidationError("--operations, --check and --memory are at least 1, --keys at least 16")
    }
  }

  func run() throws {
    guard let entry = engineEntry(named: engine) else {
      let nearest = nearestEngineName(to: engine).map { "; nearest: \($0)" } ?? ""
      complain("there is no engine '\(engine)'\(nearest)")
      throw ExitStatus.badData
    }
    let parameters = try parameters(of: entry)
    let memoryDevice = MemoryDevice(capacityByteCount: 8 << 30)
    let channel = IOChannel(device: memoryDevice, pool: memoryDevice.pool)
    let budget = MemoryBudget(limitByteCount: memory << 20)
    func open(creates: Bool) throws(EngineError) -> any Engine {
      try entry.open(
        EngineEnvironment(
          channel: channel, budget: budget, seed: seed, creates: creates, syncEveryCommits: 0),
        parameters)
    }
    var stress = StructuralStress(
      seed: seed, operationCount: operations, keyCount: keys, checkInterval: check)
    do {
      let report = try stress.run(try open(creates: true), reopen: { try open(creates: false) }) { report in
        print(
          "\(report.operationCount) operations, \(report.checkCount) checks, \(report.peakEntryCount) entries at most"
        )
      }
      print(
        "sound: \(report.operationCount) operations, \(report.checkCount) full checks, \(report.reopenCount) reopenings, "
          + "\(report.readCount) reads")
    } catch {
      complain("\(error)")
      throw ExitStatus.runFailed
    }
  }

  private func parameters(of entry: EngineEntry) throws -> ParameterSet {
    var result = entry.defaultParameters
    for item in set {
      let parts = item.split(separator: "=", maxSplits: 1).map(String.init)
      guard parts.count == 2, let known = entry.descriptor.parameters.first(where: { $0.name == parts[0] })
      else {
        let names = entry.descriptor.parameters.map(\.name).joined(separator: ", ")
        throw ValidationError("--set \(item): name=value is wanted, where name is one of \(names)")
      }
      switch result[known.name] {
      case .integer?:
        guard let number = Int(parts[1]) else {
          throw ValidationError("--set \(item): a whole number is wanted")
        }
        result[known.name] = .integer(number)
      case .boolean?: result[known.name] = .boolean(parts[1] == "true")
      case .real?:
        guard let number = Double(parts[1]) else {
          throw ValidationError("--set \(item): a number is wanted")
        }
        result[known.name] = .real(number)
      case .text?, nil: result[known.name] = .text(parts[1])
      }
    }
    return result
  }
}
