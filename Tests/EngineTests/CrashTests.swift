// Goal: whatever a device does, an engine comes back with a committed prefix that holds every promised batch, or says
// honestly that it cannot; and bytes that rot are noticed.
// Method: a short story is lived once without faults to count its device calls, then again with one fault at each
// call; crash images are opened with none, all, a prefix and seeded halves of the unsynced writes; single bits of the
// final image are flipped. A canary that lies about its syncs must be caught.

import Accounting
import EngineCatalogue
import KeyValue
import Primitives
import Storage
import Testing

private let capacity: UInt64 = 32 << 20

/// Passes everything on, but never syncs.
private final class LyingEngine: Engine {
  private let honest: any Engine
  init(_ honest: any Engine) { self.honest = honest }
  var limits: EngineLimits { honest.limits }
  var durabilityClass: DurabilityClass { honest.durabilityClass }
  func apply(_ batch: borrowing WriteBatch, sync: Bool) throws(EngineError) {
    try honest.apply(batch, sync: false)
  }
  func get(_ key: RawSpan, _ body: (_ value: RawSpan) -> Void) throws(EngineError) -> Bool {
    try honest.get(key, body)
  }
  func makeCursor(_ range: KeyRange, _ order: ScanOrder) throws(EngineError) -> any Cursor {
    try honest.makeCursor(range, order)
  }
  func makeSnapshot() throws(EngineError) -> any ReadView { try honest.makeSnapshot() }
  func checkpoint() throws(EngineError) { try honest.checkpoint() }
  func settle() throws(EngineError) { try honest.settle() }
  func dropCache() throws(EngineError) { try honest.dropCache() }
  func close() throws(EngineError) { try honest.close() }
  func spaceReport() throws(EngineError) -> SpaceReport { try honest.spaceReport() }
  func settingsReadBack() -> [(name: String, value: String)] { honest.settingsReadBack() }
  func statistics() -> [(name: String, value: UInt64)] { honest.statistics() }
  func verify() throws(EngineError) { try honest.verify() }
}

/// One life under a fault script.
private struct Life {
  var bench: Bench
  var faults: FaultDevice
  var progress = StoryProgress()
  /// Whether formatting returned.
  var wasCreated = false
  /// The fault device's calls at the end of formatting.
  var creationCallCount: UInt64 = 0

  init(
    _ candidate: Candidate, seed: UInt64, syncEvery: Int, batchCount: Int, script: [ScriptedFault],
    canCrash: Bool = false, atomByteCount: Int? = nil, closes: Bool = true,
    disguise: @escaping (any Engine) -> any Engine = { $0 }
  ) {
    let memory = MemoryDevice(capacityByteCount: capacity)
    var made: FaultDevice?
    bench = Bench(candidate, seed: seed, memory: memory) { base in
      let device = FaultDevice(
        base: base, script: script, memory: canCrash ? memory : nil, atomByteCount: atomByteCount)
      made = device
      return device
    }
    guard let made else { preconditionFailure("A bench wraps its device when it is made.") }
    faults = made
    bench.syncEveryCommits = syncEvery
    bench.disguise = disguise
    do throws(EngineError) {
      let engine = try bench.open(creates: true)
      wasCreated = true
      creationCallCount = faults.callCount
      Self.story(engine, seed, syncEvery, batchCount).live(on: engine, progress: &progress)
      if progress.failure == nil, closes {
        try engine.close()
        progress.promised = progress.acknowledged
      }
    } catch {
      progress.failure = error
    }
  }

  static func story(_ engine: any Engine, _ seed: UInt64, _ syncEvery: Int, _ batchCount: Int) -> Story {
    Story(seed: seed, batchCount: batchCount, syncEvery: syncEvery, limits: engine.limits)
  }

  /// Opens `image` and judges what is there; nil when all is well.
  func judge(_ image: MemoryDevice, seed: UInt64, syncEvery: Int, batchCount: Int) -> String? {
    let bench = Bench(bench.candidate, seed: seed, memory: image)
    bench.syncEveryCommits = syncEvery
    do throws(EngineError) {
      let engine = try bench.open(creates: false)
      let story = Self.story(engine, seed, syncEvery, batchCount)
      if let sentence = try story.judge(engine, progress) { return sentence }
      // The survivor goes on working.
      try engine.put([UInt8]("after".utf8), [UInt8]("the crash".utf8))
      if try engine.value(for: [UInt8]("after".utf8)) == nil { return "forgets what is written afterwards" }
      try engine.close()
      return nil
    } catch {
      // Before formatting was done there may be nothing to open; a guest's files may not be durable yet either.
      if !wasCreated { return nil }
      if progress.promised == 0, bench.candidate.entry.descriptor.name == "sqlite" { return nil }
      return "cannot be opened or read: \(error)"
    }
  }
}

@Suite struct CrashTests {
  static let crashing = Candidate.durable
  /// Every engine under every policy, the variants under one.
  static let lives: [(Candidate, Int)] = crashing.flatMap { candidate in
    let isVariant = Candidate.variants.contains { $0.label == candidate.label }
    return (isVariant ? [2] : [0, 1, 3]).map { (candidate, $0) }
  }

  @Test(arguments: lives)
  func everyFailingCallLeavesAPrefix(candidate: Candidate, syncEvery: Int) {
    let (seed, batchCount): (UInt64, Int) = (11, 7)
    let dry = Life(candidate, seed: seed, syncEvery: syncEvery, batchCount: batchCount, script: [])
    #expect(dry.progress.failure == nil, "\(String(describing: dry.progress.failure))")
    let kinds: [(fault: Fault, repeats: Bool)] = [
      (.fail(errno: 5), false), (.fail(errno: 5), true), (.torn(unitCount: 1, isSilent: false), false),
      (.short(transferCount: 1), false), (.noSpace, false), (.noSpace, true),
    ]
    for call in 0..<dry.faults.callCount {
      for (fault, repeats) in kinds {
        let scripted = ScriptedFault(at: call, repeats: repeats, fault)
        let life = Life(
          candidate, seed: seed, syncEvery: syncEvery, batchCount: batchCount, script: [scripted])
        if let failure = life.progress.failure, !isHonest(failure) {
          Issue.record("\(scripted): answered \(failure)")
        }
        life.bench.abandon()
        if let sentence = life.judge(
          life.bench.memory, seed: seed, syncEvery: syncEvery, batchCount: batchCount)
        {
          Issue.record("\(scripted): \(sentence)")
        }
      }
    }
  }

  @Test(arguments: lives)
  func everyPowerLossLeavesAPrefix(candidate: Candidate, syncEvery: Int) {
    for (seed, atom) in [(21 as UInt64, 4_096), (22, 512)] {
      let violations = powerLosses(candidate, seed: seed, syncEvery: syncEvery, atomByteCount: atom)
      #expect(violations.isEmpty, "\(violations.count) violations, first: \(violations.first ?? "")")
    }
  }

  @Test func lyingEngineIsCaught() {
    let violations = powerLosses(
      Candidate(named: "append-log"), seed: 21, syncEvery: 1, atomByteCount: 4_096,
      disguise: { LyingEngine($0) })
    #expect(!violations.isEmpty)
  }

  /// Cuts the power at every call and opens what different crashes leave.
  private func powerLosses(
    _ candidate: Candidate, seed: UInt64, syncEvery: Int, atomByteCount: Int,
    disguise: @escaping (any Engine) -> any Engine = { $0 }
  ) -> [String] {
    let batchCount = 7
    let dry = Life(
      candidate, seed: seed, syncEvery: syncEvery, batchCount: batchCount, script: [], disguise: disguise)
    var violations: [String] = []
    for call in 0..<dry.faults.callCount {
      let scripted = ScriptedFault(at: call, .powerLoss)
      let life = Life(
        candidate, seed: seed, syncEvery: syncEvery, batchCount: batchCount, script: [scripted],
        canCrash: true, atomByteCount: atomByteCount, disguise: disguise)
      life.bench.abandon()
      let atoms = life.faults.unsyncedAtomCount
      let survivors: [CrashSurvivors] = [
        .none, .all, .prefix(atoms / 2), .prefix(max(0, atoms - 1)), .seeded(call), .seeded(call &+ 1_000),
        .allBut(atoms > 0 ? [0] : []),
      ]
      for choice in survivors {
        let image = life.faults.crash(survivors: choice)
        if let sentence = life.judge(image, seed: seed, syncEvery: syncEvery, batchCount: batchCount) {
          violations.append("\(scripted), \(choice), seed \(seed): \(sentence)")
        }
      }
    }
    return violations
  }

  /// SQLite's pages carry no checksums: it makes no such promise.
  @Test(arguments: crashing.filter { $0.entry.descriptor.name != "sqlite" })
  func flippedBitsAreNoticed(candidate: Candidate) throws {
    let (seed, batchCount): (UInt64, Int) = (31, 40)
    let life = Life(candidate, seed: seed, syncEvery: 5, batchCount: batchCount, script: [])
    try #require(life.progress.failure == nil)
    let image = life.bench.memory
    let unit = image.transferUnitByteCount
    let written = stride(from: 0 as UInt64, to: capacity, by: unit).filter {
      image.peek(at: $0, byteCount: unit).contains { $0 != 0 }
    }
    let random = CounterRandom(seed: seed, stream: 0x666c6970)
    var noticed = 0
    for number in 0..<700 as Range<UInt64> {
      let offset = written[Int(random.uniform(below: UInt64(written.count), number, 0))]
      let bit = Int(random.uniform(below: UInt64(unit * 8), number, 1))
      let damaged = image.clone()
      let frame = Frame(byteCount: unit)
      for (index, byte) in image.peek(at: offset, byteCount: unit).enumerated() {
        frame.mutableBytes[index] = byte
      }
      frame.mutableBytes[bit / 8] ^= 1 << UInt8(bit % 8)
      try IOChannel(device: damaged).write(frame, at: offset, cause: .verification)
      let bench = Bench(candidate, seed: seed, memory: damaged)
      do throws(EngineError) {
        let engine = try bench.open(creates: false)
        var progress = life.progress
        // A broken superblock is one that was torn: the one before it counts.
        if offset < UInt64(2 * unit) { progress.promised = 0 }
        let story = Life.story(engine, seed, 5, batchCount)
        if let sentence = try story.judge(engine, progress) {
          Issue.record("bit \(bit) of the unit at \(offset), seed \(seed): \(sentence)")
        }
      } catch {
        noticed += 1
        if !isHonest(error) { Issue.record("bit \(bit) of the unit at \(offset): answered \(error)") }
      }
    }
    // Most written bytes matter.
    #expect(noticed > 50, "only \(noticed) of 700 flipped bits were noticed")
  }
}

/// Errors that name the device or its bytes.
private func isHonest(_ error: EngineError) -> Bool {
  switch error {
  case .storage, .guest: true
  case .limitExceeded, .unsupported, .invalidParameters: false
  }
}
