// The crash study of one subject: live a script once, then hold everything a crash may leave against what was promised.
//
//   record ─▶ for each interval between syncs ─▶ for each image ─▶ finding ─▶ verdict
//             exhaustive up to 2^16 images,                        │ once per distinct image
//             else none, all, each alone, all but each,            └ a prefix from promised to begun?
//             every prefix, and seeded subsets
//
// Invariants
// 1. An image is held against the strictest point it can arise at: it must hold what was promised at the end of its
//    interval, and no batch that was not begun when its last surviving atom was written.
// 2. Same subject, script and options: the same images in the same order.

import Accounting
import KeyValue
import Primitives
import Storage

/// How much is tried.
public struct CrashOptions: Equatable, Sendable {
  /// Intervals that can leave at most this many images are tried exhaustively.
  public var exhaustiveImageCount = 1 << 16
  /// The images of all intervals tried exhaustively together: the smallest intervals first, the others are sampled. Nil
  /// for no bound.
  public var exhaustiveBudget: Int?
  /// Seeded subsets of every other interval.
  public var seededSubsetCount = 1_000
  /// Life after recovery is tried on every so-manieth distinct image; 0 for never.
  public var livesOnEvery = 8
  /// The sweep ends after so many distinct images, nil for no end; the result then says that it is not complete.
  public var maximumDistinctImageCount: Int?
  /// Failures kept with their case; all are counted.
  public var keptFailureCount = 20
  /// Whether the sweep ends at its first failure.
  public var stopsAtFirstFailure = false

  /// The full programme.
  public init() {}
}

/// One crash.
public struct CrashCase: Equatable, Sendable {
  /// After so many calls that change the device.
  public var point: Int
  /// Which of the atoms that no sync covered survive.
  public var survivors: CrashSurvivors

  /// A crash.
  public init(point: Int, survivors: CrashSurvivors) {
    self.point = point
    self.survivors = survivors
  }
}

/// A crash that broke the contract.
public struct CrashFailure: Equatable, Sendable, Codable, CustomStringConvertible {
  /// Which crash.
  public var crash: CrashCase
  /// What is wrong with what it left.
  public var sentence: String

  /// Both.
  public var description: String {
    "point \(crash.point), survivors \(crash.survivors.spelling): \(sentence)"
  }
}

/// What recovery costs at one stretch of the run: a row for a plot.
public struct RecoveryRow: Equatable, Sendable, Codable {
  /// The crash is after at most so many calls: the end of an interval between syncs.
  public var point: Int
  /// Write operations acknowledged by then.
  public var acknowledgedOperationCount: Int
  /// Images tried.
  public var imageCount: Int
  /// The most acknowledged operations that a crash here lost.
  public var lostOperationsMax: Int
  /// Middle and most of the bytes read while opening.
  public var readBytesP50: UInt64
  /// The most bytes read while opening.
  public var readBytesMax: UInt64
  /// The most bytes written while opening.
  public var writeBytesMax: UInt64
  /// The longest modelled time of opening, in seconds.
  public var deviceSecondsMax: Double
}

/// What a sweep found.
public struct CrashOutcome: Equatable, Sendable, Codable {
  /// The subject's label.
  public var label = ""
  /// As the engine says.
  public var durabilityClass = DurabilityClass.none
  /// Places between calls where the power could go.
  public var pointCount = 0
  /// Crashes tried.
  public var imageCount = 0
  /// Different images among them.
  public var distinctImageCount = 0
  /// Images opened, second crashes included.
  public var openedImageCount = 0
  /// Images of a second crash, during recovery.
  public var secondCrashCount = 0
  /// Batches of the script.
  public var batchCount = 0
  /// Different committed prefixes that were found.
  public var prefixCount = 0
  /// Intervals tried exhaustively, and all.
  public var exhaustiveIntervalCount = 0
  /// Stretches between syncs.
  public var intervalCount = 0
  /// False when the sweep was ended by its limit.
  public var isComplete = true
  /// Middle and most reads of a recovery.
  public var recoveryReadsP50: UInt64 = 0
  /// The most reads of a recovery.
  public var recoveryReadsMax: UInt64 = 0
  /// Middle of the writes of a recovery.
  public var recoveryWritesP50: UInt64 = 0
  /// The most writes of a recovery.
  public var recoveryWritesMax: UInt64 = 0
  /// The longest modelled time of a recovery, in seconds.
  public var recoverySecondsMax: Double = 0
  /// The most acknowledged write operations that a crash lost.
  public var lostOperationsMax = 0
  /// Crashes that broke the contract.
  public var failureCount = 0
  /// The first of them.
  public var failures: [CrashFailure] = []
  /// What went wrong before anything could crash: the script itself failed.
  public var lifeFailure: String?
  /// Why there was nothing to try: the engine keeps nothing, or does not offer this durability.
  public var refusal: String?
  /// Recovery along the run.
  public var recovery: [RecoveryRow] = []

  /// Nothing yet.
  public init() {}

  /// Whether nothing is wrong.
  public var isSound: Bool { failureCount == 0 && lifeFailure == nil }
}

/// Lives a script and tries its crashes.
public struct CrashSweep {
  private let subject: TrialSubject
  private let script: TrialScript
  private let options: CrashOptions

  /// A sweep of `subject` through `script`.
  public init(_ subject: TrialSubject, script: TrialScript, options: CrashOptions = CrashOptions()) {
    self.subject = subject
    self.script = script
    self.options = options
  }

  /// Tries every crash.
  ///
  /// - Parameter began: told each crash before its image is opened; images seen before are not opened again.
  public func run(began: ((CrashCase) -> Void)? = nil) -> CrashOutcome {
    var run = CrashRun(subject, script, options)
    run.began = began
    run.sweep()
    return run.outcome
  }

  /// What one crash leaves, for looking at it; nil when the script failed or the point is behind its last call.
  public func image(of crash: CrashCase) -> MemoryDevice? {
    CrashRun(subject, script, options).image(of: crash)
  }

  /// Tries one crash.
  ///
  /// - Returns: what is wrong, nil when all is well, and the committed prefix found, nil when none was.
  public func run(_ crash: CrashCase) -> (failure: CrashFailure?, prefix: Int?) {
    var run = CrashRun(subject, script, options)
    return run.one(crash)
  }
}

/// A sweep at work.
struct CrashRun {
  let subject: TrialSubject
  let script: TrialScript
  let options: CrashOptions
  private(set) var outcome = CrashOutcome()

  private let life: TrialLife
  private let recording: CrashRecording
  private let states: [TrialState]
  private var trial: CrashTrial
  private var findings: [UInt64: ImageFinding] = [:]
  private var prefixes: Set<Int> = []
  private var isEnded = false
  /// Told each crash before its image is opened.
  var began: ((CrashCase) -> Void)?

  init(_ subject: TrialSubject, _ script: TrialScript, _ options: CrashOptions) {
    self.subject = subject
    self.script = script
    self.options = options
    let memory = TrialPlace.emptyMemory(subject)
    var recorder: CrashRecorder?
    let place = TrialPlace(subject, syncEveryCommits: script.syncEveryCommits, memory: memory) { base in
      let made = CrashRecorder(base: base, memory: memory, atomByteCount: subject.atomByteCount)
      recorder = made
      return made
    }
    guard let recorder else { preconditionFailure("A place decorates its device when it is made.") }
    var life = TrialLife(script)
    life.live(in: place) { recorder.mark($0) }
    self.life = life
    recording = recorder.recording
    states = life.limits.map { script.states(limits: $0) } ?? []
    trial = CrashTrial(
      subject, syncEveryCommits: script.syncEveryCommits,
      promisesNothing: life.durabilityClass == .none)
    outcome.label = subject.label
    outcome.durabilityClass = life.durabilityClass
    outcome.pointCount = recording.calls.count + 1
    outcome.batchCount = max(0, states.count - 1)
    if let refusal = life.refusal {
      outcome.refusal = refusal
    } else {
      outcome.lifeFailure = life.failure.map { "the script failed: \($0)" } ?? life.wrongAnswer
    }
  }

  // MARK: Images

  mutating func sweep() {
    if outcome.lifeFailure != nil || outcome.refusal != nil { return }
    let exhaustible = exhaustibleImageCount()
    var images = CrashImages(recording)
    while !isEnded, let interval = images.next() {
      outcome.intervalCount += 1
      var row = RowBuilder()
      if interval.imageCount <= exhaustible {
        outcome.exhaustiveIntervalCount += 1
        exhaust(interval, &row)
      } else {
        sample(interval, &row)
      }
      let acknowledged = recording.progress(after: interval.calls.upperBound).acknowledged
      outcome.recovery.append(
        row.row(point: interval.calls.upperBound, acknowledged: states[acknowledged].operationCount))
    }
    summarize()
  }

  /// The largest interval that is tried exhaustively, so that all of them fit the budget.
  private func exhaustibleImageCount() -> Int {
    guard let budget = options.exhaustiveBudget else { return options.exhaustiveImageCount }
    var counts: [Int] = []
    var images = CrashImages(recording)
    while let interval = images.next() { counts.append(interval.imageCount) }
    var left = budget
    var largest = 0
    for count in counts.sorted() where count <= options.exhaustiveImageCount {
      // Equal ones go together.
      if count > largest, count * counts.reduce(0, { $0 + ($1 == count ? 1 : 0) }) > left { break }
      left -= count
      largest = count
    }
    return largest
  }

  /// Every image: a counter with one digit per slot.
  private mutating func exhaust(_ interval: CrashInterval, _ row: inout RowBuilder) {
    var digits = [Int](repeating: 0, count: interval.slots.count)
    var survivors: [Int] = []
    while !isEnded {
      survivors.removeAll(keepingCapacity: true)
      for (slot, digit) in digits.enumerated() where digit > 0 {
        survivors.append(interval.slots[slot][digit - 1])
      }
      survivors.sort()
      attempt(survivors, interval, &row)
      var slot = 0
      while slot < digits.count {
        digits[slot] += 1
        if digits[slot] <= interval.slots[slot].count { break }
        digits[slot] = 0
        slot += 1
      }
      if slot == digits.count { return }
    }
  }

  private mutating func sample(_ interval: CrashInterval, _ row: inout RowBuilder) {
    let choices = interval.choices
    attempt([], interval, &row)
    attempt(choices, interval, &row)
    for position in choices.indices {
      if isEnded { return }
      attempt([choices[position]], interval, &row)
      var others = choices
      others.remove(at: position)
      attempt(others, interval, &row)
      attempt(Array(choices[...position]), interval, &row)
    }
    for number in 0..<options.seededSubsetCount {
      if isEnded { return }
      let kind = CrashSurvivors.seeded(
        subject.seed &* 1_000_003 &+ UInt64(interval.calls.upperBound) &* 4_096 &+ UInt64(number))
      attempt(interval.survivors(kind, point: interval.calls.upperBound), interval, &row)
    }
  }

  private mutating func attempt(_ survivors: [Int], _ interval: CrashInterval, _ row: inout RowBuilder) {
    outcome.imageCount += 1
    let finding = find(survivors, interval)
    let point = interval.calls.upperBound
    let verdict = judge(finding, survivors, interval, point: point)
    row.add(finding.cost, lostOperations: verdict.lostOperations)
    if let prefix = verdict.prefix { prefixes.insert(prefix) }
    outcome.lostOperationsMax = max(outcome.lostOperationsMax, verdict.lostOperations)
    guard let sentence = verdict.sentence else { return }
    outcome.failureCount += 1
    if outcome.failures.count < options.keptFailureCount {
      outcome.failures.append(
        CrashFailure(
          crash: CrashCase(point: point, survivors: interval.spelling(survivors, point: point)),
          sentence: sentence))
    }
    if options.stopsAtFirstFailure { isEnded = true }
  }

  private mutating func find(_ survivors: [Int], _ interval: CrashInterval) -> ImageFinding {
    let hash = interval.hash(of: survivors)
    if let known = findings[hash] { return known }
    if let began {
      let point = interval.calls.upperBound
      began(CrashCase(point: point, survivors: interval.spelling(survivors, point: point)))
    }
    let every = options.livesOnEvery
    let livesOn = every > 0 && findings.count % every == 0
    let finding = trial.judge(interval.image(of: survivors), livesOn: livesOn)
    findings[hash] = finding
    if let maximum = options.maximumDistinctImageCount, findings.count >= maximum {
      outcome.isComplete = false
      isEnded = true
    }
    return finding
  }

  // MARK: Verdicts

  private struct Verdict {
    var sentence: String?
    var prefix: Int?
    var lostOperations = 0
  }

  private func judge(
    _ finding: ImageFinding, _ survivors: [Int], _ interval: CrashInterval, point: Int
  ) -> Verdict {
    let late = recording.progress(after: point)
    let early =
      survivors.last.map { recording.progress(before: interval.atoms[$0].call) }
      ?? recording.progress(after: interval.calls.lowerBound)
    switch finding.outcome {
    case .refused(let error):
      if !error.isHonest { return Verdict(sentence: "answers with the wrong error: \(error)") }
      if !late.wasCreated || late.promisesNothing { return Verdict() }
      return Verdict(sentence: "cannot be opened or read: \(error)")
    case .holds(let hash):
      var verdict = Verdict()
      if late.promisesNothing { return verdict }
      verdict.prefix = (0...early.begun).last { states[$0].hash == hash }
      if let prefix = verdict.prefix {
        verdict.lostOperations = max(
          0, states[late.acknowledged].operationCount - states[prefix].operationCount)
        if prefix < late.promised {
          verdict.sentence = "holds batch \(prefix), \(late.promised) were promised"
        }
      } else if let prefix = states.lastIndex(where: { $0.hash == hash }) {
        verdict.sentence = "holds batch \(prefix), when \(early.begun) were begun"
      } else {
        verdict.sentence =
          "holds no prefix of the batches (promised \(late.promised), begun \(early.begun))"
      }
      if verdict.sentence == nil { verdict.sentence = finding.complaint }
      return verdict
    }
  }

  /// One crash, and what it left.
  mutating func one(_ crash: CrashCase) -> (failure: CrashFailure?, prefix: Int?) {
    if let sentence = outcome.lifeFailure ?? outcome.refusal {
      return (CrashFailure(crash: crash, sentence: sentence), nil)
    }
    guard let interval = interval(of: crash.point) else { return (nil, nil) }
    let survivors = interval.survivors(crash.survivors, point: crash.point)
    let finding = trial.judge(interval.image(of: survivors), livesOn: true)
    let verdict = judge(finding, survivors, interval, point: crash.point)
    return (verdict.sentence.map { CrashFailure(crash: crash, sentence: $0) }, verdict.prefix)
  }

  /// What one crash leaves.
  func image(of crash: CrashCase) -> MemoryDevice? {
    if outcome.lifeFailure != nil || outcome.refusal != nil { return nil }
    guard let interval = interval(of: crash.point) else { return nil }
    return interval.image(of: interval.survivors(crash.survivors, point: crash.point))
  }

  /// The interval a point lies in; nil for a point behind the last call.
  func interval(of point: Int) -> CrashInterval? {
    var images = CrashImages(recording)
    while let interval = images.next() {
      if point <= interval.calls.upperBound { return interval }
    }
    return nil
  }

  /// The same failure with as few survivors as possible, as early as possible.
  mutating func shrink(_ failure: CrashFailure) -> CrashFailure {
    guard let interval = interval(of: failure.crash.point) else { return failure }
    var best = failure
    var survivors = interval.survivors(failure.crash.survivors, point: failure.crash.point)
    var findings: [UInt64: ImageFinding] = [:]
    func sentence(_ candidate: [Int], _ point: Int) -> String? {
      let hash = interval.hash(of: candidate)
      let finding = findings[hash] ?? trial.judge(interval.image(of: candidate), livesOn: true)
      findings[hash] = finding
      return judge(finding, candidate, interval, point: point).sentence
    }
    survivors.removeAll { !interval.atoms[$0].matters }
    var point = failure.crash.point
    // Fewer survivors: halves first, then one by one.
    var piece = max(1, survivors.count)
    while piece >= 1 && !survivors.isEmpty {
      var start = 0
      while start < survivors.count {
        var candidate = survivors
        candidate.removeSubrange(start..<min(start + piece, survivors.count))
        if sentence(candidate, point) != nil { survivors = candidate } else { start += piece }
      }
      piece /= 2
    }
    // An earlier point.
    let earliest = max(
      interval.calls.lowerBound, survivors.last.map { interval.atoms[$0].call + 1 } ?? 0)
    if let earlier = (earliest..<max(earliest, point)).first(where: { sentence(survivors, $0) != nil }) {
      point = earlier
    }
    if let sentence = sentence(survivors, point) {
      best.sentence = sentence
      best.crash = CrashCase(point: point, survivors: survivors.isEmpty ? .none : .only(survivors))
    }
    return best
  }

  // MARK: Summary

  private mutating func summarize() {
    outcome.distinctImageCount = findings.count
    outcome.openedImageCount = trial.openedImageCount
    outcome.secondCrashCount = trial.secondCrashCount
    outcome.prefixCount = prefixes.count
    let costs = findings.values.filter { if case .holds = $0.outcome { true } else { false } }.map(\.cost)
    let reads = costs.map(\.readCount).sorted()
    let writes = costs.map(\.writeCount).sorted()
    outcome.recoveryReadsP50 = reads.isEmpty ? 0 : reads[reads.count / 2]
    outcome.recoveryReadsMax = reads.last ?? 0
    outcome.recoveryWritesP50 = writes.isEmpty ? 0 : writes[writes.count / 2]
    outcome.recoveryWritesMax = writes.last ?? 0
    outcome.recoverySecondsMax = costs.reduce(0) { max($0, $1.deviceSeconds) }
  }
}

extension CrashInterval {
  /// The shortest usual way to say which atoms survive.
  func spelling(_ survivors: [Int], point: Int) -> CrashSurvivors {
    if survivors.isEmpty { return .none }
    let mattering = survivors.filter { atoms[$0].matters }
    if mattering == choices { return .all }
    return .only(mattering)
  }
}

/// Gathers the recovery costs of one interval.
private struct RowBuilder {
  private var readBytes: [UInt64] = []
  private var writeBytesMax: UInt64 = 0
  private var deviceSecondsMax = 0.0
  private var lostOperationsMax = 0

  mutating func add(_ cost: RecoveryCost, lostOperations: Int) {
    readBytes.append(cost.readByteCount)
    writeBytesMax = max(writeBytesMax, cost.writeByteCount)
    deviceSecondsMax = max(deviceSecondsMax, cost.deviceSeconds)
    lostOperationsMax = max(lostOperationsMax, lostOperations)
  }

  func row(point: Int, acknowledged: Int) -> RecoveryRow {
    let sorted = readBytes.sorted()
    return RecoveryRow(
      point: point, acknowledgedOperationCount: acknowledged, imageCount: sorted.count,
      lostOperationsMax: lostOperationsMax, readBytesP50: sorted.isEmpty ? 0 : sorted[sorted.count / 2],
      readBytesMax: sorted.last ?? 0, writeBytesMax: writeBytesMax, deviceSecondsMax: deviceSecondsMax)
  }
}
