// The fault study of one subject: every call fails once and for ever, space runs out everywhere, stored bytes rot and
// reads go astray; the answer is an error that names place and cause, or right.
//
//   calls      life under "fail@12", "full@12+", "torn@7 units=1" …  ─▶ honest error or none ─▶ reopen ─▶ promised prefix
//   capacity   life on ever smaller devices                          ─▶ the same
//   rot        final image, one bit flipped in a unit of every kind  ─▶ open, scan, get, verify: error or right
//   reading    final image, one read misdirected or flipped          ─▶ the same
//   losses     life in which one unit of one write is dropped        ─▶ open, scan, get, verify: error or right (`FaultLosses`)
//
// Invariants
// 1. A right answer is the whole state, every get included; nothing between right and an error is accepted.
// 2. An older committed state is right only where the newest superblock was damaged: it may be a torn one. Where a write of a
//    superblock or a log was dropped it is what nobody can tell from a crash before it; it is counted by itself.
// 3. Deterministic: subject, script and options decide every case, and a case has a one-line form that repeats it.

import Accounting
import KeyValue
import Primitives
import Storage

/// One fault and where it strikes.
public enum FaultCase: Equatable, Sendable, CustomStringConvertible {
  /// During the script.
  case life(ScriptedFault)
  /// The script on a device of this many bytes.
  case capacity(UInt64)
  /// A stored bit of the final image changes.
  case rot(offset: UInt64, bit: Int)
  /// While the final image is opened and read.
  case reading(ScriptedFault)
  /// During the script, unnoticed: a write is dropped.
  case loss(ScriptedFault)

  /// The one-line form, which `init(parsing:)` reads back.
  public var description: String {
    switch self {
    case .life(let fault): "life \(fault)"
    case .capacity(let byteCount): "capacity \(byteCount)"
    case .rot(let offset, let bit): "rot \(offset) \(bit)"
    case .reading(let fault): "reading \(fault)"
    case .loss(let fault): "loss \(fault)"
    }
  }

  /// Reads the one-line form; nil when it is none.
  public init?(parsing text: String) {
    let words = text.split(separator: " ", maxSplits: 1).map(String.init)
    guard words.count == 2 else { return nil }
    switch words[0] {
    case "life":
      guard let fault = ScriptedFault(parsing: words[1]) else { return nil }
      self = .life(fault)
    case "reading":
      guard let fault = ScriptedFault(parsing: words[1]) else { return nil }
      self = .reading(fault)
    case "loss":
      guard let fault = ScriptedFault(parsing: words[1]) else { return nil }
      self = .loss(fault)
    case "capacity":
      guard let byteCount = UInt64(words[1]) else { return nil }
      self = .capacity(byteCount)
    case "rot":
      let numbers = words[1].split(separator: " ")
      guard numbers.count == 2, let offset = UInt64(numbers[0]), let bit = Int(numbers[1]), bit >= 0
      else { return nil }
      self = .rot(offset: offset, bit: bit)
    default: return nil
    }
  }
}

/// How much is tried.
public struct FaultOptions: Equatable, Sendable {
  /// The most calls of the script that are made to fail, evenly spread; nil for every one.
  public var maximumCallCount: Int?
  /// Capacities tried between nothing and what the script needs; every one, unit by unit, when there are no more: then
  /// space runs out at each allocation that needs a unit never used before.
  public var capacityCount = 600
  /// Units damaged of every kind of block.
  public var unitsPerKind = 12
  /// Bits flipped in each of them.
  public var bitsPerUnit = 4
  /// The most reads of the final image that are made to go astray, shared out among what is read, so that every kind
  /// of block has its turn.
  public var maximumReadCount = 120
  /// The most writes of the script that are dropped, shared out among what is written.
  public var maximumLossCount = 200
  /// Failures kept.
  public var keptFailureCount = 20

  /// The usual programme.
  public init() {}
}

/// A fault that was not answered as it should be.
public struct FaultFailure: Equatable, Sendable, Codable, CustomStringConvertible {
  /// Which fault.
  public var fault: FaultCase
  /// What is wrong.
  public var sentence: String
  /// Both.
  public var description: String { "\(fault): \(sentence)" }
}

/// How the cases of one kind ended.
public struct FaultTally: Equatable, Sendable, Codable {
  /// Cases tried.
  public var caseCount = 0
  /// Answered with an honest error.
  public var errorCount = 0
  /// Answered rightly.
  public var rightCount = 0
  /// Answered wrongly by an engine that claims no more: damage unnoticed without checksums.
  public var unnoticedCount = 0
  /// Of the right ones, those that show an earlier committed state: a superblock or the end of a log was dropped.
  public var olderCount = 0

  /// None.
  public init() {}

  /// These answers less earlier ones.
  func subtracting(_ earlier: FaultTally) -> FaultTally {
    var result = self
    result.caseCount -= earlier.caseCount
    result.errorCount -= earlier.errorCount
    result.rightCount -= earlier.rightCount
    result.unnoticedCount -= earlier.unnoticedCount
    result.olderCount -= earlier.olderCount
    return result
  }
}

/// What a fault sweep found.
public struct FaultOutcome: Equatable, Sendable, Codable {
  /// The subject's label.
  public var label = ""
  /// Why there was nothing to try: the engine keeps nothing, or does not offer this durability.
  public var refusal: String?
  /// Device calls of the script, reads included.
  public var callCount = 0
  /// Failing calls.
  public var calls = FaultTally()
  /// Small devices.
  public var capacities = FaultTally()
  /// Damaged units, by what they held, sorted by name.
  public var rot: [FaultKindTally] = []
  /// Reads gone astray.
  public var reading = FaultTally()
  /// The same by what was read, sorted by name.
  public var readingByKind: [FaultKindTally] = []
  /// Dropped writes, by what was written, sorted by name.
  public var losses: [FaultKindTally] = []
  /// Faults not answered as they should be.
  public var failureCount = 0
  /// The first of them.
  public var failures: [FaultFailure] = []

  /// Nothing yet.
  public init() {}

  /// Whether nothing is wrong.
  public var isSound: Bool { failureCount == 0 }

}

/// The answers about one kind of block.
public struct FaultKindTally: Equatable, Sendable, Codable {
  /// The cause under which such blocks move.
  public var kind: String
  /// The answers.
  public var tally: FaultTally
}

/// Tries faults on one subject.
public struct FaultSweep {
  private let subject: TrialSubject
  private let script: TrialScript
  private let options: FaultOptions

  /// A sweep of `subject` through `script`.
  public init(_ subject: TrialSubject, script: TrialScript, options: FaultOptions = FaultOptions()) {
    self.subject = subject
    self.script = script
    self.options = options
  }

  /// Tries everything.
  ///
  /// - Parameter began: told each case before it is tried.
  public func run(began: @escaping (FaultCase) -> Void = { _ in }) -> FaultOutcome {
    var run = FaultRun(subject, script, options)
    run.began = began
    run.sweep()
    return run.outcome
  }

  /// Tries one case: nil when it was answered as it should be.
  public func run(_ fault: FaultCase) -> FaultFailure? {
    var run = FaultRun(subject, script, options)
    run.attempt(fault)
    return run.outcome.failures.first
  }
}

/// A sweep at work.
struct FaultRun {
  enum Answer {
    case right
    /// Right as of an earlier commit.
    case older
    case error
    case unnoticed
    case wrong(String)
  }

  /// Faults of calls while the script runs.
  private static let lifeFaults: [(fault: Fault, repeats: Bool)] = [
    (.fail(errno: 5), false), (.fail(errno: 5), true), (.noSpace, false), (.noSpace, true),
    (.torn(unitCount: 1, isSilent: false), false), (.short(transferCount: 1), false),
  ]

  let subject: TrialSubject
  let script: TrialScript
  let options: FaultOptions
  var outcome = FaultOutcome()

  private let states: [TrialState]
  private let image: MemoryDevice
  /// What each call of the script writes, as the fault device numbers calls: the cause of every unit.
  let writtenCauses: [[Cause]]
  private let kinds: [UInt64: Cause]
  private let finalContents: ReferenceState
  private let usedByteCount: UInt64
  /// The cause of every call that reading the final image makes, nil for those that move nothing.
  private var readCauses: [Cause?] = []
  /// Told each case before it is tried.
  var began: (FaultCase) -> Void = { _ in }

  init(_ subject: TrialSubject, _ script: TrialScript, _ options: FaultOptions) {
    self.subject = subject
    self.script = script
    self.options = options
    image = TrialPlace.emptyMemory(subject)
    let memory = image
    var recorder: CrashRecorder?
    var counter: FaultDevice?
    var writes: WriteProbe?
    let place = TrialPlace(subject, syncEveryCommits: script.syncEveryCommits, memory: memory) { base in
      let made = CrashRecorder(base: base, memory: memory, atomByteCount: subject.atomByteCount)
      let counting = FaultDevice(base: made)
      let probe = WriteProbe(base: counting)
      recorder = made
      counter = counting
      writes = probe
      return probe
    }
    var life = TrialLife(script)
    life.live(in: place)
    states = life.limits.map { script.states(limits: $0) } ?? []
    finalContents =
      life.limits.map { script.contents(batchCount: .max, limits: $0) } ?? ReferenceState()
    var kinds: [UInt64: Cause] = [:]
    var end: UInt64 = 0
    for unit in recorder?.recording.units ?? [] {
      kinds[unit.offset] = unit.cause
      end = max(end, unit.offset + UInt64(memory.transferUnitByteCount))
    }
    self.kinds = kinds
    usedByteCount = end
    writtenCauses = writes?.causes ?? []
    outcome.label = subject.label
    outcome.callCount = Int(counter?.callCount ?? 0)
    if let refusal = life.refusal {
      outcome.refusal = refusal
    } else if let sentence = life.failure.map({ "the script failed: \($0)" }) ?? life.wrongAnswer {
      note(.capacity(subject.capacityByteCount), sentence)
    }
  }

  mutating func note(_ fault: FaultCase, _ sentence: String) {
    outcome.failureCount += 1
    if outcome.failures.count < options.keptFailureCount {
      outcome.failures.append(FaultFailure(fault: fault, sentence: sentence))
    }
  }

  /// Notes a wrong answer and counts every answer.
  mutating func entered(_ answer: Answer, _ fault: FaultCase, _ before: FaultTally) -> FaultTally {
    var tally = before
    tally.caseCount += 1
    switch answer {
    case .right: tally.rightCount += 1
    case .older:
      tally.rightCount += 1
      tally.olderCount += 1
    case .error: tally.errorCount += 1
    case .unnoticed: tally.unnoticedCount += 1
    case .wrong(let sentence): note(fault, sentence)
    }
    return tally
  }

  // MARK: Programme

  mutating func sweep() {
    if outcome.failureCount > 0 || outcome.refusal != nil { return }
    let step = max(1, options.maximumCallCount.map { (outcome.callCount + $0 - 1) / max(1, $0) } ?? 1)
    for call in stride(from: 0, to: outcome.callCount, by: step) {
      for (fault, repeats) in Self.lifeFaults {
        let fault = FaultCase.life(ScriptedFault(at: UInt64(call), repeats: repeats, fault))
        attempt(fault)
      }
    }
    let unit = UInt64(subject.transferUnitByteCount)
    let capacityCount = min(UInt64(max(1, options.capacityCount)), max(1, usedByteCount / unit))
    for number in 0..<capacityCount {
      let share = usedByteCount / unit * (number + 1) / capacityCount
      attempt(.capacity(share * unit))
    }
    sweepRot()
    sweepReads()
    sweepLosses()
  }

  mutating func attempt(_ fault: FaultCase) {
    began(fault)
    switch fault {
    case .life(let scripted): outcome.calls = entered(live(scripted, subject), fault, outcome.calls)
    case .capacity(let byteCount):
      var small = subject
      small.capacityByteCount = max(UInt64(subject.transferUnitByteCount), byteCount)
      outcome.capacities = entered(live(nil, small), fault, outcome.capacities)
    case .rot(let offset, let bit):
      _ = entered(rot(offset, bit), fault, FaultTally())
    case .reading(let scripted): outcome.reading = entered(read(scripted), fault, outcome.reading)
    case .loss(let scripted): _ = entered(lose(scripted), fault, FaultTally())
    }
  }

  private mutating func sweepRot() {
    var offsets: [(kind: String, offset: UInt64)] = []
    image.forEachUnit { offset, bytes in
      if ContentHash.isZero(bytes, image.transferUnitByteCount) { return }
      if let cause = kinds[offset] { offsets.append((cause.name, offset)) }
    }
    let random = CounterRandom(seed: subject.seed, stream: 0x726F_74)
    for kind in Set(offsets.map(\.kind)).sorted() {
      let units = offsets.filter { $0.kind == kind }.map(\.offset)
      let step = max(1, units.count / options.unitsPerKind)
      var tally = FaultTally()
      for index in stride(from: 0, to: units.count, by: step) {
        for number in 0..<options.bitsPerUnit {
          let bit = rottenBit(of: units[index], number, random)
          let fault = FaultCase.rot(offset: units[index], bit: bit)
          began(fault)
          tally = entered(rot(units[index], bit), fault, tally)
        }
      }
      outcome.rot.append(FaultKindTally(kind: kind, tally: tally))
    }
  }

  /// Any bit of a unit, and every other time one of a byte that is not zero: most units are not full.
  private func rottenBit(of offset: UInt64, _ number: Int, _ random: CounterRandom) -> Int {
    let bytes = image.peek(at: offset, byteCount: image.transferUnitByteCount)
    let used = bytes.indices.filter { bytes[$0] != 0 }
    let draw = offset &+ UInt64(number)
    if number % 2 == 0 || used.isEmpty { return Int(random.uniform(below: UInt64(bytes.count * 8), draw)) }
    let byte = used[Int(random.uniform(below: UInt64(used.count), draw, 1))]
    return byte * 8 + Int(random.uniform(below: 8, draw, 2))
  }

  private mutating func sweepReads() {
    learnReads()
    let kinds = Set(readCauses.compactMap { $0?.name }).sorted()
    let share = max(1, options.maximumReadCount / max(1, kinds.count))
    for kind in kinds {
      let calls = readCauses.indices.filter { readCauses[$0]?.name == kind }
      let before = outcome.reading
      for call in stride(from: 0, to: calls.count, by: max(1, calls.count / share)).map({ calls[$0] }) {
        let faults: [Fault] = [
          .misdirectedRead(unitCount: 1), .misdirectedRead(unitCount: -1), .misdirectedRead(unitCount: 7),
          .flippedBit(bit: UInt64(call) &* 2_654_435_761), .fail(errno: 5),
        ]
        for fault in faults { attempt(.reading(ScriptedFault(at: UInt64(call), fault))) }
      }
      outcome.readingByKind.append(
        FaultKindTally(kind: kind, tally: outcome.reading.subtracting(before)))
    }
  }

  // MARK: Cases

  /// The script with a failing call or little space; then what is left is opened on a sound device.
  private func live(_ fault: ScriptedFault?, _ subject: TrialSubject) -> Answer {
    let memory = TrialPlace.emptyMemory(subject)
    let place = TrialPlace(subject, syncEveryCommits: script.syncEveryCommits, memory: memory) { base in
      FaultDevice(base: base, script: fault.map { [$0] } ?? [])
    }
    var life = TrialLife(script)
    life.live(in: place)
    if let wrong = life.wrongAnswer { return .wrong(wrong) }
    if let failure = life.failure, !failure.isHonest, life.progress.wasCreated || fault != nil {
      return .wrong("answers with the wrong error: \(failure)")
    }
    if case .fail(let number)? = fault?.fault, let failure = life.failure, !failure.namesDeviceFailure(number)
    {
      return .wrong("hides the device's error behind another: \(failure)")
    }
    if place.budget.heldByteCount != 0 {
      return .wrong(
        "\(Self.said(life.failure)), and leaves \(place.budget.heldByteCount) bytes of memory held")
    }
    let progress = life.progress
    do throws(EngineError) {
      let engine = try TrialPlace(
        subject, syncEveryCommits: script.syncEveryCommits, memory: memory
      ).open(creates: false)
      try engine.verify()
      let hash = try engine.stateHash()
      if progress.promisesNothing { return life.failure == nil ? .right : .error }
      guard let prefix = (0...progress.begun).last(where: { states[$0].hash == hash }) else {
        return .wrong("\(Self.said(life.failure)), and leaves no prefix of the batches")
      }
      if prefix < progress.promised {
        return .wrong(
          "\(Self.said(life.failure)), and holds batch \(prefix), \(progress.promised) were promised")
      }
      return life.failure == nil ? .right : .error
    } catch {
      if !error.isHonest && progress.wasCreated { return .wrong("reopening answers \(error)") }
      if !progress.wasCreated || progress.promisesNothing { return .error }
      return .wrong("\(Self.said(life.failure)), and cannot be opened or read afterwards: \(error)")
    }
  }

  private static func said(_ failure: EngineError?) -> String {
    failure.map { "answers \"\($0)\"" } ?? "answers with no error"
  }

  private func rot(_ offset: UInt64, _ bit: Int) -> Answer {
    let damaged = image.clone()
    damaged.flipBit(ofByteAt: offset + UInt64(bit / 8), bit: bit % 8)
    let place = TrialPlace(subject, syncEveryCommits: script.syncEveryCommits, memory: damaged)
    return lookAtEverything(place, mayBeOlder: kinds[offset] == .superblock, isClaimed: subject.detectsDamage)
  }

  private mutating func read(_ fault: ScriptedFault) -> Answer {
    if readCauses.isEmpty { learnReads() }
    let place = TrialPlace(subject, syncEveryCommits: script.syncEveryCommits, memory: image.clone()) {
      base in
      FaultDevice(base: base, script: [fault])
    }
    let call = Int(clamping: fault.call)
    let cause = call < readCauses.count ? readCauses[call] : nil
    return lookAtEverything(place, mayBeOlder: cause == .superblock, isClaimed: subject.detectsDamage)
  }

  /// Reads the final image once, without a fault, to learn what is read for what.
  private mutating func learnReads() {
    var probe: CauseProbe?
    let place = TrialPlace(subject, syncEveryCommits: script.syncEveryCommits, memory: image.clone()) {
      base in
      let made = CauseProbe(base: base)
      probe = made
      return made
    }
    if case .wrong(let sentence) = lookAtEverything(place, mayBeOlder: false, isClaimed: true) {
      note(.capacity(subject.capacityByteCount), "without a fault: \(sentence)")
    }
    readCauses = probe?.causes ?? []
  }

  /// Opens, scans, gets every key and a few that are not there, verifies. Every single answer counts, also those before
  /// an error.
  ///
  /// - Parameters:
  ///   - isClaimed: whether the engine says that it notices such damage.
  ///   - last: what it has to hold, nil for everything the script did.
  func lookAtEverything(
    _ place: TrialPlace, mayBeOlder: Bool, isClaimed: Bool, last: ReferenceState? = nil
  ) -> Answer {
    func wrong(_ sentence: String) -> Answer { isClaimed ? .wrong(sentence) : .unnoticed }
    var contents = last ?? finalContents
    var isOlder = false
    do throws(EngineError) {
      let engine = try place.open(creates: false)
      let found = try engine.entries()
      if found != contents.entries() {
        let limits = engine.limits
        let older = (0..<states.count).last {
          script.contents(batchCount: $0, limits: limits).entries() == found
        }
        guard let older else { return wrong("a scan shows what was never written") }
        if !mayBeOlder { return wrong("a scan shows the state after batch \(older), not the last") }
        contents = script.contents(batchCount: older, limits: limits)
        isOlder = true
      }
      for pair in contents.entries() {
        if try engine.value(for: pair.key) != pair.value {
          return wrong("a get of key \(pair.key) gives another value than was put")
        }
        let missing = pair.key + [0]
        if try engine.value(for: missing) != contents.value(for: missing) {
          return wrong("a get of key \(missing) finds what is not there")
        }
      }
      try engine.verify()
      return isOlder ? .older : .right
    } catch {
      return error.isHonest ? .error : .wrong("answers with the wrong error: \(error)")
    }
  }
}

extension EngineError {
  /// Whether it is the device's own error with this system number, or a refusal because of it.
  fileprivate func namesDeviceFailure(_ number: Int32) -> Bool {
    switch self {
    case .storage(.deviceFailed(_, _, _, let own, _)): own == number
    case .storage(.poisoned): true
    default: false
    }
  }
}

/// Notes the cause of every call, as the fault device numbers them.
private final class CauseProbe: BlockDevice {
  private(set) var causes: [Cause?] = []
  private let base: any BlockDevice
  let transferUnitByteCount: Int
  let capacityByteCount: UInt64

  init(base: any BlockDevice) {
    self.base = base
    transferUnitByteCount = base.transferUnitByteCount
    capacityByteCount = base.capacityByteCount
  }

  func submit(_ batch: inout TransferBatch) throws(StorageError) {
    causes.append(batch.pieces.first { $0.cause != .padding }?.cause)
    try base.submit(&batch)
  }

  func control(_ operation: ControlOperation) throws(StorageError) {
    causes.append(nil)
    try base.control(operation)
  }
}
