// Goal: after a crash or a failed call at any point, SQLite on a file space holds a prefix of the applied batches that
// includes what its durability class promises; and damaged bytes never trap.
// Method: a script is run once to count device calls; then with the power lost, or a call failing, at many of them (all
// of them for the small scripts) and several kinds of survivors in pieces of 512 bytes; the state found is compared,
// by hash, with the state after every batch.

import Accounting
import KeyValue
import Primitives
import Storage
import Testing

@testable import SQLiteBaseline

@Suite struct SQLiteCrashTests {
  struct World: Sendable, CustomStringConvertible {
    var parameters: [String: ParameterValue]
    var syncEveryCommits: Int
    var description: String
  }

  static let worlds: [World] = [
    World(parameters: [:], syncEveryCommits: 1, description: "wal, each commit"),
    World(
      parameters: ["wal_autocheckpoint_pages": .integer(6)], syncEveryCommits: 0,
      description: "wal, at checkpoints"),
    World(
      parameters: ["wal_autocheckpoint_pages": .integer(9), "page_bytes": .integer(512)], syncEveryCommits: 3,
      description: "wal, every third commit, small pages"),
    World(
      parameters: ["journal_mode": .text("truncate")], syncEveryCommits: 1, description: "truncate"),
    World(
      parameters: ["journal_mode": .text("delete"), "page_bytes": .integer(1_024)], syncEveryCommits: 1,
      description: "delete"),
    World(
      parameters: ["journal_mode": .text("delete"), "synchronous": .text("full")], syncEveryCommits: 1,
      description: "delete, full"),
    World(
      parameters: ["journal_mode": .text("persist"), "powersafe_overwrite": .boolean(false)],
      syncEveryCommits: 1,
      description: "persist, no powersafe overwrite"),
  ]

  static func description(_ faults: [ScriptedFault] = []) -> DeviceDescription {
    var description = DeviceDescription()
    description.capacityByteCount = 8 << 20
    description.tracksCrashes = true
    description.crashAtomByteCount = 512
    description.faults = faults
    return description
  }

  static func place(_ world: World, _ description: DeviceDescription, image: MemoryDevice? = nil) throws
    -> SQLitePlace
  {
    var parameters = world.parameters
    parameters["gather_bytes"] = .integer(16_384)
    parameters["chunk_bytes"] = .integer(65_536)
    return try SQLitePlace(
      parameters, syncEveryCommits: world.syncEveryCommits, budgetByteCount: 2 << 20, seed: 4,
      description: description, image: image)
  }

  /// How far a run came: hashes of the state after each batch that was begun, and which of them must survive.
  struct Progress {
    var hashes: [UInt64] = []
    /// The number of batches that are durable at least.
    var promised = 0
    var acknowledged = 0
  }

  static let batchCount = 22

  static func run(_ place: SQLitePlace, _ world: World, _ engine: SQLiteEngine, _ progress: inout Progress)
    throws
  {
    var state = ReferenceState()
    progress.hashes.append(state.stateHash)
    for number in 0..<batchCount {
      var batch = WriteBatch()
      for step in 0..<5 {
        let index = 6 * number + step
        let key = Array("key \(drawn(1, index, below: 60))".utf8)
        switch index % 7 {
        case 3: batch.delete(key)
        case 5: batch.add(key, 5)
        default: batch.put(key, [UInt8](repeating: UInt8(number), count: drawn(2, index, below: 900)))
        }
      }
      state.apply(batch, limits: engine.limits)
      progress.hashes.append(state.stateHash)
      let syncs = world.syncEveryCommits > 0 && (number + 1) % world.syncEveryCommits == 0
      try engine.apply(batch, sync: syncs)
      progress.acknowledged = number + 1
      switch engine.durabilityClass {
      case .everyCommits(let every): progress.promised = max(progress.promised, number + 1 - (every - 1))
      case .atCheckpoints, .prefix, .none: break
      }
      if syncs, engine.durabilityClass != .everyCommits(2) { progress.promised = number + 1 }
      if number % 8 == 6 {
        try engine.checkpoint()
        progress.promised = number + 1
      }
    }
    try engine.close()
    progress.promised = batchCount
  }

  /// What is wrong with what came back, nil for nothing.
  static func problem(_ image: MemoryDevice, _ world: World, _ progress: Progress) throws -> String? {
    var plain = description()
    plain.tracksCrashes = false
    let place = try place(world, plain, image: image)
    let engine = try place.open(creates: false)
    try engine.verify()
    let hash = try engine.stateHash()
    // Equal states may recur: the last equal one counts.
    let found = progress.hashes.lastIndex(of: hash)
    guard let found else { return "the state is that after no batch" }
    if found < progress.promised { return "\(found) batches, \(progress.promised) were promised" }
    // It goes on.
    try engine.put(Array("after".utf8), [1, 2, 3])
    try engine.close()
    let again = try place.open(creates: false)
    guard try again.value(for: Array("after".utf8)) == [1, 2, 3] else { return "a later batch is lost" }
    try again.verify()
    try again.close()
    return nil
  }

  /// The calls of opening, and of everything.
  static func callCounts(_ world: World) throws -> (opening: UInt64, all: UInt64) {
    let place = try place(world, description())
    let fault = try #require(place.stack.fault)
    let engine = try place.open(creates: true)
    let opening = fault.callCount
    var progress = Progress()
    try run(place, world, engine, &progress)
    return (opening, fault.callCount)
  }

  @Test(arguments: worlds)
  func aCrashLeavesAPromisedPrefix(world: World) throws {
    let (opening, all) = try Self.callCounts(world)
    for call in opening..<all {
      let place = try Self.place(world, Self.description([ScriptedFault(at: call, .powerLoss)]))
      let engine = try place.open(creates: true)
      var progress = Progress()
      do {
        try Self.run(place, world, engine, &progress)
        Issue.record("the power was lost at call \(call) and nobody noticed")
      } catch is EngineError {}
      let fault = try #require(place.stack.fault)
      var survivors: [CrashSurvivors] = [.none, .all, .seeded(call), .seeded(call &+ 1_000)]
      if fault.unsyncedAtomCount > 1 { survivors.append(.prefix(fault.unsyncedAtomCount / 2)) }
      for kind in survivors {
        let problem = try Self.problem(fault.crash(survivors: kind), world, progress)
        #expect(problem == nil, "call \(call), \(kind)")
      }
    }
  }

  @Test(arguments: worlds)
  func aFailedCallLeavesAPromisedPrefix(world: World) throws {
    let (opening, all) = try Self.callCounts(world)
    for call in opening..<all {
      let place = try Self.place(world, Self.description([ScriptedFault(at: call, .fail(errno: 5))]))
      let engine = try place.open(creates: true)
      var progress = Progress()
      do {
        try Self.run(place, world, engine, &progress)
        Issue.record("call \(call) failed and nobody noticed")
      } catch let error as EngineError {
        // The place and the cause arrive as the device said them.
        guard case .storage(.deviceFailed(_, _, _, let number, _)) = error else {
          Issue.record("call \(call): \(error)")
          continue
        }
        #expect(number == 5)
      }
      do { try engine.close() } catch {}
      #expect(place.budget.heldByteCount == 0)
      let problem = try Self.problem(try #require(place.stack.memory), world, progress)
      #expect(problem == nil, "call \(call)")
    }
  }

  @Test func failedCallsWhileOpeningAreHonest() throws {
    let world = Self.worlds[0]
    let (opening, _) = try Self.callCounts(world)
    for call in 0..<opening {
      let place = try Self.place(world, Self.description([ScriptedFault(at: call, .fail(errno: 28))]))
      do {
        _ = try place.open(creates: true)
        Issue.record("call \(call) failed and nobody noticed")
      } catch {
        guard case .storage(.deviceFailed) = error else {
          Issue.record("call \(call): \(error)")
          continue
        }
      }
      #expect(place.budget.heldByteCount == 0)
    }
  }

  @Test func flippedBitsNeverTrap() throws {
    let world = Self.worlds[0]
    let place = try Self.place(world, Self.description())
    let engine = try place.open(creates: true)
    var progress = Progress()
    try Self.run(place, world, engine, &progress)
    let image = try #require(place.stack.memory)
    var plain = Self.description()
    plain.tracksCrashes = false
    // The chunk the database begins in.
    let first = try #require(
      (0..<64).map { UInt64(131_072 + $0 * 65_536) }.first {
        image.peek(at: $0, byteCount: 15) == Array("SQLite format 3".utf8)
      })
    var (found, harmless, unnoticed) = (0, 0, 0)
    for trial in 0..<400 {
      let unit = first + UInt64(4_096 * drawn(7, 3 * trial, below: 9))
      let copy = image.clone()
      let offset = drawn(7, 3 * trial + 1, below: trial % 2 == 0 ? 128 : 4_096)
      let original = copy.peek(at: unit, byteCount: 4_096)
      var damaged = original
      damaged[offset] ^= UInt8(1 << drawn(7, 3 * trial + 2, below: 8))
      let writer = IOChannel(device: copy)
      let frame = Frame(byteCount: 4_096)
      frame.mutableBytes.copyBytes(from: damaged)
      try writer.write(frame, at: unit, cause: .verification)
      let other = try Self.place(world, plain, image: copy)
      do {
        let engine = try other.open(creates: false)
        let hash = try engine.stateHash()
        for key in 0..<60 { _ = try engine.value(for: Array("key \(key)".utf8)) }
        try engine.verify()
        if hash == progress.hashes.last { harmless += 1 } else { unnoticed += 1 }
        try engine.put([1], [2])
      } catch {
        found += 1
      }
    }
    // Bytes of values change unnoticed: SQLite has no checksums. What breaks its structure is found.
    #expect(found > 50)
    #expect(harmless > 0)
    #expect(found + harmless + unnoticed == 400)
  }

  /// A canary: with a class stronger than what the parameters give, the crash check must fail.
  @Test func theCheckNoticesABrokenPromise() throws {
    let world = World(
      parameters: ["synchronous": .text("off")], syncEveryCommits: 0, description: "nothing promised")
    let (opening, all) = try Self.callCounts(world)
    var isNoticed = false
    for call in opening..<all where !isNoticed {
      let place = try Self.place(world, Self.description([ScriptedFault(at: call, .powerLoss)]))
      let engine = try place.open(creates: true)
      var progress = Progress()
      do { try Self.run(place, world, engine, &progress) } catch is EngineError {}
      progress.promised = progress.acknowledged
      let image = try #require(place.stack.fault).crash(survivors: .none)
      do { isNoticed = try Self.problem(image, world, progress) != nil } catch is EngineError {
        isNoticed = true
      }
    }
    #expect(isNoticed)
  }
}
