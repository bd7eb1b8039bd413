// Goal: a sweep can be ended at any moment by anything and goes on as if nothing had been: nothing valid lost, nothing
// invalid kept, nothing made twice, and the same record in the end, byte for byte.
// Method: the built program on a study of tiny runs. The sweep, or one of its workers, is killed with SIGKILL at moments
// drawn from a printed seed and begun again until it ends by itself; stored runs are damaged; jobs are varied. A run
// that was made twice would have a new file in the store, so inode numbers tell.

import Foundation
import Testing

private let sweepStudy = """
  schema: 1
  study: tiny
  title: Tiny runs
  question: Is anything lost?
  memory_budget: 2MiB
  workload: { records: 2_000, value_bytes: 40 }
  commit: { batch_operations: 100 }
  engines:
    - { engine: sqlite }
    - { engine: sorted-file, records: 500, maximum_operations: 100 }
  phases:
    - { phase: load }
    - { phase: reopen }
    - { phase: read, operations: 300 }
  axes:
    workload.value_bytes: [20, 30, 40, 50]
    phases.read.operations: [300, 400]
  repeats: 2
  """

// The sorted file caps its reads, so that the second axis does not multiply its runs.
private let runCount = 24
private let deterministicFiles = ["runs.csv", "io.csv", "series.csv", "histograms.csv", "claims.csv"]

/// The processes that `parent` started as workers.
private func workers(of parent: Int32) -> [Int32] {
  let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
  return names.compactMap { Int32($0) }.filter { number in
    guard let data = FileManager.default.contents(atPath: "/proc/\(number)/cmdline") else { return false }
    let arguments = String(decoding: data, as: UTF8.self).split(separator: "\0")
    return arguments.suffix(3) == ["worker", "--parent", "\(parent)"]
  }
}

private func isAlive(_ process: Int32) -> Bool {
  guard let data = FileManager.default.contents(atPath: "/proc/\(process)/stat") else { return false }
  // "pid (name) state …": a zombie waits for its parent only.
  return !String(decoding: data, as: UTF8.self).contains(") Z ")
}

extension Workplace {
  /// The stored runs that are whole files, with their inode numbers.
  fileprivate func storedRuns() throws -> [String: UInt64] {
    var found: [String: UInt64] = [:]
    guard exists("Scratch/runs/tiny") else { return found }
    for name in try names(in: "Scratch/runs/tiny") where name.hasSuffix(".run") {
      let attributes = try FileManager.default.attributesOfItem(atPath: path + "/Scratch/runs/tiny/" + name)
      found[name] = (attributes[.systemFileNumber] as? NSNumber)?.uint64Value
    }
    return found
  }

  fileprivate func deterministicBytes(_ record: String) throws -> [Data] {
    try deterministicFiles.map { try bytes(record + "/" + $0) }
  }
}

/// Starts the program where it finds no gnuplot: pictures are not what is tested here.
private func begin(_ arguments: [String], in folder: String) throws -> (Process, Pipe, Pipe) {
  try start(arguments, in: folder, environment: ["PATH": "/nonexistent"])
}

private func sweep(_ arguments: String..., in place: Workplace) throws -> Ended {
  finish(try begin(arguments, in: place.path))
}

/// Random numbers from a seed.
private struct Draws {
  var state: UInt64
  mutating func next(below bound: UInt64) -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return (state >> 33) % bound
  }
}

@Suite("Sweeps from the command line", .serialized)
struct SweepCommandTests {
  /// The record of a sweep that nothing disturbed, made with one job.
  private func reference(in place: Workplace) throws -> [Data] {
    let study = try place.write(sweepStudy, to: "study.yaml")
    let run = try sweep(
      "run", study, "--store", "reference-runs", "--out", "reference", "--jobs", "1", "--quiet", in: place)
    #expect(run.status == 0, "\(run.errors)")
    return try place.deterministicBytes("reference")
  }

  @Test("jobs 1, 2 and 3 give the same record; a finished sweep makes nothing again")
  func jobs() throws {
    let place = try Workplace()
    let expected = try reference(in: place)
    for jobs in ["2", "3"] {
      let run = try sweep(
        "run", "study.yaml", "--out", "j" + jobs, "--jobs", jobs, "--again", "--quiet", in: place)
      #expect(run.status == 0, "\(run.errors)")
      #expect(try place.deterministicBytes("j" + jobs) == expected)
    }
    let before = try place.storedRuns()
    #expect(before.count == runCount)
    let again = try sweep("run", "study.yaml", "--out", "j3", "--jobs", "2", in: place)
    #expect(again.status == 0)
    #expect(again.errors.contains("j3 is the record of these 24 runs already"))
    let fromStore = try sweep("run", "study.yaml", "--out", "fresh", in: place)
    #expect(fromStore.errors.contains("24 of 24 runs are there already"))
    #expect(try place.deterministicBytes("fresh") == expected)
    // A plan with one more value of an axis makes only what is new, and loses nothing of the other plan.
    let wider = try sweep(
      "run", "study.yaml", "--set", "phases.read.operations=300,400,500", "--out", "wide", in: place)
    #expect(wider.errors.contains("24 of 32 runs are there already"), "\(wider.errors)")
    let after = try place.storedRuns()
    #expect(after.count == 32)
    #expect(before.allSatisfy { after[$0.key] == $0.value })
    let discarded = try sweep("run", "study.yaml", "--out", "fresh", "--discard-runs", "--quiet", in: place)
    #expect(discarded.status == 0)
    #expect(try place.storedRuns().count == 8)
  }

  @Test(
    "killed at random moments, begun again until done: the same record, nothing made twice",
    arguments: [1, 2])
  func killedSweep(seed: UInt64) throws {
    let place = try Workplace()
    let expected = try reference(in: place)
    var draws = Draws(state: seed)
    var kept: [String: UInt64] = [:]
    var kills = 0
    for _ in 0..<5 {
      let started = try begin(["run", "study.yaml", "--out", "r", "--jobs", "2", "--quiet"], in: place.path)
      Thread.sleep(forTimeInterval: 0.04 + Double(draws.next(below: 300)) / 1_000)
      let children = workers(of: started.0.processIdentifier)
      if started.0.isRunning { kills += 1 }
      kill(started.0.processIdentifier, SIGKILL)
      _ = finish(started)
      for _ in 0..<200 where children.contains(where: isAlive) { Thread.sleep(forTimeInterval: 0.01) }
      #expect(!children.contains(where: isAlive), "a worker outlived its sweep")
      let now = try place.storedRuns()
      // What was kept once is still there, and is the same file.
      #expect(
        kept.allSatisfy { now[$0.key] == $0.value }, "seed \(seed): a stored run was made again or lost")
      kept = now
    }
    let last = try sweep("run", "study.yaml", "--out", "r", "--jobs", "2", in: place)
    #expect(last.status == 0, "\(last.errors)")
    #expect(kills > 0)
    #expect(try place.deterministicBytes("r") == expected, "seed \(seed)")
    let now = try place.storedRuns()
    #expect(now.count == runCount && kept.allSatisfy { now[$0.key] == $0.value })
    let left = try place.names(in: "Scratch/runs/tiny").filter { !$0.hasSuffix(".run") }
    #expect(left.isEmpty, "left behind: \(left)")
    let beside = try FileManager.default.contentsOfDirectory(atPath: place.path).filter {
      $0.contains("partial")
    }
    #expect(beside.isEmpty, "left behind: \(beside)")
  }

  @Test(
    "a worker that is killed takes its run along and no other; the next sweep makes that run", arguments: [3])
  func killedWorker(seed: UInt64) throws {
    let place = try Workplace()
    let expected = try reference(in: place)
    var draws = Draws(state: seed)
    let started = try begin(["run", "study.yaml", "--out", "r", "--jobs", "2"], in: place.path)
    var killed = 0
    while killed < 3 && started.0.isRunning {
      Thread.sleep(forTimeInterval: 0.05 + Double(draws.next(below: 60)) / 1_000)
      guard let victim = workers(of: started.0.processIdentifier).randomElement() else { continue }
      if kill(victim, SIGKILL) == 0 { killed += 1 }
    }
    let ended = finish(started)
    #expect(killed > 0)
    // A worker killed before it began a run has cost nothing.
    #expect(ended.status == 0 || ended.status == 1, "\(ended.errors)")
    if ended.status == 1 {
      #expect(ended.errors.contains("ended by signal 9"), "\(ended.errors)")
      let text = String(decoding: try place.bytes("r/runs.csv"), as: UTF8.self)
      #expect(text.contains("failed") && text.contains("signal 9"))
    }
    let stored = try place.storedRuns()
    #expect(stored.count == runCount)
    let last = try sweep("run", "study.yaml", "--out", "r", "--jobs", "2", in: place)
    #expect(last.status == 0, "\(last.errors)")
    #expect(try place.deterministicBytes("r") == expected)
  }

  @Test("torn, flipped and foreign files in the store are made again, and nothing else is")
  func damagedStore() throws {
    let place = try Workplace()
    let expected = try reference(in: place)
    #expect(try sweep("run", "study.yaml", "--out", "r", "--jobs", "2", "--quiet", in: place).status == 0)
    let before = try place.storedRuns()
    let names = before.keys.sorted()
    let folder = place.path + "/Scratch/runs/tiny/"
    func damage(_ name: String, _ change: (inout Data) -> Void) throws {
      var bytes = try Data(contentsOf: URL(fileURLWithPath: folder + name))
      change(&bytes)
      try bytes.write(to: URL(fileURLWithPath: folder + name))
    }
    try damage(names[0]) { $0 = $0.prefix($0.count / 2) }
    try damage(names[1]) { $0[$0.count / 3] ^= 0x10 }
    try damage(names[2]) { $0 = Data() }
    try FileManager.default.removeItem(atPath: folder + names[3])
    try FileManager.default.copyItem(atPath: folder + names[4], toPath: folder + names[3])
    try FileManager.default.removeItem(atPath: place.path + "/r")
    let run = try sweep("run", "study.yaml", "--out", "r", in: place)
    #expect(run.status == 0)
    #expect(run.errors.components(separatedBy: "is removed and made again").count == 5, "\(run.errors)")
    #expect(run.errors.contains("20 of 24 runs are there already"))
    #expect(try place.deterministicBytes("r") == expected)
    let after = try place.storedRuns()
    #expect(names.dropFirst(4).allSatisfy { before[$0] == after[$0] })
  }
}
