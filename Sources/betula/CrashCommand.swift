// `betula crash`: a study's engines in the crash laboratory, on a small run of their own.

import ArgumentParser
import EngineCatalogue
import Experiment
import Foundation
import KeyValue
import Primitives
import Report
import Storage
import Trials
import Workload

struct CrashCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "crash",
    abstract: "Crash a study's engines at every point of a small run, in every way, and check what is left.",
    discussion: """
      Of the study it takes engines, parameters, workload, memory, seed and durability; the run is made small by \
      --operations. A failure is shrunk and printed with the command that repeats it. See the guide, The crash \
      laboratory.
      """)

  @OptionGroup var arguments: StudyArguments

  @Option(help: "Only the engine with this label; may be given often.")
  var engine: [String] = []

  @Option(help: "Operations of the run: half of them puts, then every kind of write and some gets.")
  var operations = 200

  @Option(help: "Write operations of a batch.")
  var batch = 10

  @Option(help: "Sync every so many commits (0 never); may be given often. The default is the study's and 1.")
  var sync: [Int] = []

  @Option(help: "The seed of the run; the default is the study's.")
  var seed: UInt64?

  @Option(help: "The bytes that a crash keeps or drops as one: a sector.")
  var tear = 512

  @Option(help: "Try all images of a stretch between syncs up to this many, else chosen and seeded ones.")
  var exhaustive = 1 << 16

  @Option(
    help: "Images of all stretches tried exhaustively, small stretches first; 0 for as many as there are.")
  var images = 10_000

  @Option(help: "Seeded subsets of every stretch that is not tried exhaustively.")
  var subsets = 1_000

  @Flag(help: "Also let every call fail, space run out, stored bits rot and reads go astray.")
  var faults = false

  @Option(help: "Only these items of the script, as a failure prints them: 1-4,9.")
  var keep: String?

  @Option(help: "Only the crash after so many calls; with --survivors.")
  var point: Int?

  @Option(help: "Which unsynced atoms survive: none, all, prefix:N, only:1,3-5, but:2, seeded:N.")
  var survivors = "none"

  @Option(help: "With --point: write what that crash leaves to this file, for 'betula inspect'.")
  var keepImage: String?

  @Option(help: "Only this fault, as a failure prints it.")
  var fault: String?

  @Option(help: "Write what recovery costs along each run to this CSV file.")
  var csv: String?

  @Flag(help: "Print as JSON.")
  var json = false

  @Flag(help: "Print failures as they are, without looking for smaller ones.")
  var noShrink = false

  @Option(
    help:
      "Trials (an engine, a grid point and a syncing policy) that run at once, each in a process of its own.")
  var jobs = 1

  @Option(
    help: ArgumentHelp(
      "Only the trial of this number, its report as JSON into --result.", visibility: .hidden))
  var trial: Int?

  @Option(
    help: ArgumentHelp("Where a trial writes its report; its progress goes beside it.", visibility: .hidden))
  var result: String?

  @Option(
    help: ArgumentHelp(
      "Traps when so many cases were tried: the alarm's own test.", visibility: .hidden))
  var trapAt: Int?

  func validate() throws {
    guard operations > 0, batch > 0, exhaustive > 0, images >= 0, subsets >= 0, sync.allSatisfy({ $0 >= 0 })
    else { throw ValidationError("Counts are positive numbers.") }
    guard CrashSurvivors(spelling: survivors) != nil else {
      throw ValidationError(
        "'\(survivors)' is no set of survivors: none, all, prefix:N, only:…, but:…, seeded:N.")
    }
    guard jobs >= 1 else { throw ValidationError("--jobs is \(jobs); at least one trial runs at a time.") }
    if let keep, readNumbers(keep) == nil { throw ValidationError("'\(keep)' is no list of numbers: 1-4,9.") }
    if let fault, FaultCase(parsing: fault) == nil { throw ValidationError("'\(fault)' is no fault.") }
  }

  func run() throws {
    try withUserErrors {
      let study = try arguments.load()
      let plan = try Plan(study, vocabulary: .standard)
      let trials = try chooseRuns(plan).flatMap { spec in
        let syncs = sync.isEmpty ? Set([spec.commit.syncEveryCommits, 1]).sorted() : sync
        return syncs.map { CrashTrialRequest(spec: spec, syncEvery: $0) }
      }
      var report = CrashReport()
      if let trial, let result, trials.indices.contains(trial) {
        let progress = try CrashProgress(besideResult: result, trapAt: trapAt)
        try attempt(trials[trial].spec, syncEvery: trials[trial].syncEvery, &report, progress)
        try JSONEncoder().encode(report).write(to: URL(fileURLWithPath: result))
        return
      }
      // A single case runs here, where a debugger can see it.
      if point != nil || fault != nil {
        for trial in trials { try attempt(trial.spec, syncEvery: trial.syncEvery, &report, nil) }
      } else {
        report = try CrashProcesses(jobs: jobs).run(trials) {
          commandToRepeat($0.spec, syncEvery: $0.syncEvery)
        }
      }
      if let csv { try report.writeRecovery(to: csv) }
      print(json ? try report.json() : report.text, terminator: "")
      if !report.isSound { throw ExitStatus.runFailed }
    }
  }

  /// One run for each engine and cell of the grid.
  private func chooseRuns(_ plan: Plan) throws -> [RunSpec] {
    let first = plan.runs.filter { $0.repeatIndex == 0 }
    let labels = Set(first.map(\.label))
    for name in engine where !labels.contains(name) {
      complain("the study has no engine '\(name)'; it has \(labels.sorted().joined(separator: ", "))")
      throw ExitStatus.badData
    }
    return first.filter { engine.isEmpty || engine.contains($0.label) }
  }

  private func attempt(
    _ spec: RunSpec, syncEvery: Int, _ report: inout CrashReport, _ progress: CrashProgress?
  ) throws {
    let (subject, script) = try makeTrial(spec, syncEvery: syncEvery)
    let command = commandToRepeat(spec, syncEvery: syncEvery)
    var options = CrashOptions()
    options.exhaustiveImageCount = exhaustive
    options.seededSubsetCount = subsets
    options.exhaustiveBudget = images == 0 ? nil : images
    if let fault = fault.flatMap({ FaultCase(parsing: $0) }) {
      let failure = FaultSweep(subject, script: script).run(fault)
      report.note(
        subject.label, failure.map { "\($0)" } ?? "\(fault): answered as it should be", failure != nil)
      return
    }
    if let point, let survivors = CrashSurvivors(spelling: survivors) {
      let found = CrashSweep(subject, script: script, options: options).run(
        CrashCase(point: point, survivors: survivors))
      try keepImage(of: CrashCase(point: point, survivors: survivors), subject, script, options)
      let prefix = found.prefix.map { "holds batch \($0)" } ?? "holds no batch, or is not open yet"
      report.note(
        subject.label,
        found.failure.map { "\($0)" } ?? "point \(point), survivors \(survivors.spelling): \(prefix)",
        found.failure != nil)
      return
    }
    let start = ContinuousClock.now
    progress?.note("")
    let outcome = CrashSweep(subject, script: script, options: options).run(
      began: progress.map { progress in
        { progress.note("--point \($0.point) --survivors \($0.survivors.spelling)") }
      })
    report.add(outcome, syncEvery: syncEvery, elapsed: ContinuousClock.now - start)
    if let failure = outcome.failures.first {
      var words = "--point \(failure.crash.point) --survivors \(failure.crash.survivors.spelling)"
      var sentence = failure.sentence
      if !noShrink {
        progress?.note("--no-shrink")
        var shrinker = CrashShrinker(subject, options: options)
        let smallest = shrinker.shrink(script, failure)
        words = smallest.options
        sentence = smallest.failure.sentence
        report.explain(smallest)
      }
      report.addRepeat(subject.label, sentence, "\(command) \(words)")
    }
    if faults && outcome.lifeFailure == nil {
      let found = FaultSweep(subject, script: script).run { progress?.note("--fault '\($0)'") }
      report.add(found, syncEvery: syncEvery)
      for failure in found.failures.prefix(3) {
        report.addRepeat(subject.label, failure.sentence, "\(command) --fault '\(failure.fault)'")
      }
    }
  }

  private func keepImage(
    of crash: CrashCase, _ subject: TrialSubject, _ script: TrialScript, _ options: CrashOptions
  ) throws {
    guard let keepImage else { return }
    guard let image = CrashSweep(subject, script: script, options: options).image(of: crash) else {
      complain("there is no point \(crash.point) in this run: nothing was written to \(keepImage)")
      throw ExitStatus.badData
    }
    do {
      try image.writeImage(to: keepImage)
    } catch {
      complain("\(keepImage) cannot be written: \(error)")
      throw ExitStatus.fileSystem
    }
  }

  /// The study's engine, workload and memory on a small device.
  private func makeTrial(_ spec: RunSpec, syncEvery: Int) throws -> (TrialSubject, TrialScript) {
    guard let entry = engineEntry(named: spec.engine) else {
      preconditionFailure("A plan names engines of the catalogue.")
    }
    guard tear >= 8, tear % 8 == 0, spec.device.transferUnitByteCount % tear == 0 else {
      complain(
        "--tear is \(tear), which does not divide the transfer unit, \(spec.device.transferUnitByteCount)")
      throw ExitStatus.badData
    }
    let runSeed = seed ?? spec.seed
    let axes = spec.axisPoints.map { " \($0.path)=\($0.value)" }.joined()
    var subject = TrialSubject(entry, parameters: spec.engineParameters, label: spec.label + axes)
    subject.seed = runSeed
    subject.transferUnitByteCount = spec.device.transferUnitByteCount
    subject.atomByteCount = tear
    subject.memoryByteCount = spec.memoryBudgetByteCount
    subject.timeModel = TimeModel(profile: try DeviceProfile.named(spec.device.profile))
    var parameters = spec.workload
    parameters["records"] = .integer(operations)
    do {
      let workload = try WorkloadSpec(parameters: parameters, seed: runSeed)
      let needed = 64 * Int(workload.expectedByteCount)
      while subject.capacityByteCount < UInt64(needed) && subject.capacityByteCount < 4 << 30 {
        subject.capacityByteCount *= 2
      }
      var script = try TrialScript.operations(
        of: workload, count: operations, batchOperations: batch, syncEveryCommits: syncEvery,
        offersRangeDelete: true)
      if let numbers = keep.flatMap({ readNumbers($0) }) { script = script.keeping(Set(numbers)) }
      return (subject, script)
    } catch {
      complain("\(error)")
      throw ExitStatus.badData
    }
  }

  private func commandToRepeat(_ spec: RunSpec, syncEvery: Int) -> String {
    var words = ["betula crash", arguments.study]
    if let scale = arguments.scale { words.append("--scale \(scale)") }
    for point in spec.axisPoints { words.append("--set '\(point.path)=\(point.value)'") }
    let axes = Set(spec.axisPoints.map(\.path))
    for set in arguments.sets where !axes.contains(String(set.prefix { $0 != "=" })) {
      words.append("--set '\(set)'")
    }
    words.append(
      "--engine \(spec.label) --seed \(seed ?? spec.seed) --operations \(operations) --batch \(batch)")
    words.append("--sync \(syncEvery)")
    if tear != 512 { words.append("--tear \(tear)") }
    return words.joined(separator: " ")
  }
}
