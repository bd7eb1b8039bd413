// Goal: looking at a kept image says what is wrong and where, changes nothing, and never traps.
// Method: every engine writes a seeded story; its image is examined clean, after a crash, with each of 1,000 seeded
// bits flipped (the ownership map of the clean image decides what must be noticed), cut short, and as garbage.

import Accounting
import EngineCatalogue
import KeyValue
import Primitives
import Storage
import Testing
import Trials

@Suite struct ImageExaminationTests {
  /// Engines and how they were left.
  struct Specimen: Sendable, CustomStringConvertible {
    var candidate: Candidate
    var isClosed: Bool
    var description: String { "\(candidate.label), \(isClosed ? "closed" : "left by a crash")" }

    /// The device after `batchCount` batches of a seeded story.
    func image(seed: UInt64, batchCount: Int = 60) throws -> MemoryDevice {
      let bench = Bench(candidate, seed: seed, capacityByteCount: 16 << 20)
      var engine = try bench.open(creates: true)
      let random = CounterRandom(seed: seed, stream: 0x696D_6167)
      for number in 0..<UInt64(batchCount) {
        var batch = WriteBatch()
        for item in 0..<(1 + random.uniform(below: 12, number)) {
          let key = Array("key\(random.uniform(below: 400, number, 2 * item + 1))".utf8)
          let length = Int(random.uniform(below: item == 0 ? 6_000 : 200, number, 2 * item + 2))
          let value = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: length)
          key.withUnsafeBytes { key in
            value.withUnsafeBytes {
              batch.append(
                item == 3 ? .delete : .put, key: key,
                operand: item == 3 ? UnsafeRawBufferPointer(start: nil, count: 0) : $0)
            }
          }
        }
        try engine.apply(batch, sync: true)
        if number == 20 { try engine.checkpoint() }
        if number == 30 {
          try engine.close()
          engine = try bench.open(creates: false)
        }
      }
      if isClosed { try engine.close() }
      bench.abandon()
      return bench.memory
    }
  }

  static let specimens: [Specimen] = Candidate.durable.flatMap { candidate in
    [true, false].map { Specimen(candidate: candidate, isClosed: $0) }
  }

  static func examine(_ memory: MemoryDevice, note: String? = nil) throws -> ImageExamination {
    let format = try ImageFormat.detect(byteCount: memory.capacityByteCount) {
      (offset, count) throws(StorageError) in memory.peek(at: offset, byteCount: count)
    }
    return try ImageExamination(
      memory, format: format, byteCount: memory.capacityByteCount, notedEngine: note)
  }

  static func device(_ bytes: [UInt8]) throws -> MemoryDevice {
    let memory = MemoryDevice(capacityByteCount: UInt64(bytes.count), transferUnitByteCount: 512)
    let whole = Int(memory.capacityByteCount)
    if whole == 0 { return memory }
    let frame = Frame(byteCount: whole)
    frame.mutableBytes.copyBytes(from: bytes[..<whole])
    try IOChannel(device: memory).write(frame, at: 0, cause: .verification)
    return memory
  }

  /// The image in units of its own size, as the command opens it.
  static func examine(_ bytes: [UInt8]) throws -> ImageExamination {
    let memory = try device(bytes)
    let format = try ImageFormat.detect(byteCount: memory.capacityByteCount) {
      (offset, count) throws(StorageError) in memory.peek(at: offset, byteCount: count)
    }
    var unit = 512
    if case .volume(let found) = format { unit = found }
    if case .fileSpace(let found) = format { unit = found }
    let whole = bytes.count / unit * unit
    let base = MemoryDevice(capacityByteCount: UInt64(whole), transferUnitByteCount: unit)
    if whole > 0 {
      let frame = Frame(byteCount: whole)
      frame.mutableBytes.copyBytes(from: bytes[..<whole])
      try IOChannel(device: base).write(frame, at: 0, cause: .verification)
    }
    return try ImageExamination(base, format: format, byteCount: UInt64(bytes.count))
  }

  @Test(arguments: specimens)
  func anImageIsSoundAndStaysAsItIs(specimen: Specimen) throws {
    let memory = try specimen.image(seed: 7)
    let before = memory.contentHash()
    let found = try Self.examine(memory)
    #expect(found.isSound, "\(found.findings)")
    #expect(found.engine == specimen.candidate.entry.descriptor.name)
    #expect(memory.contentHash() == before)
    #expect(found.checksumCount > 2 || found.fileSpace != nil)
    let structure = try #require(found.structure)
    #expect(structure.parts.reduce(0) { $0 + $1.entryCount } > 0)
    for part in structure.parts { #expect(part.usedByteCount <= part.byteCount, "\(part)") }
    if specimen.isClosed {
      #expect(found.recovery.allSatisfy { !$0.contains("commits") }, "\(found.recovery)")
    } else if found.engine == "append-log" {
      #expect(
        found.recovery.contains { $0.contains("commits not yet checkpointed") },
        "\(found.recovery)")
    }
    if found.volume != nil {
      // Owners do not overlap, and with free and waiting bytes they are everything.
      for (one, next) in zip(found.owners, found.owners.dropFirst()) {
        #expect(one.offset + one.byteCount <= next.offset, "\(one) \(next)")
      }
      let accounting = try #require(found.volume?.description?.accounting)
      let owned = found.owners.reduce(0) { $0 + $1.byteCount }
      #expect(
        owned + accounting.freeByteCount + accounting.deferredByteCount == accounting.capacityByteCount)
    }
    // The engine itself agrees with what was said about it.
    let bench = Bench(specimen.candidate, seed: 7, memory: memory.clone())
    let engine = try bench.open(creates: false)
    try engine.verify()
    // What waits in buffers is no entry yet, and what lies in the log no record: these two do not count.
    if !["append-log", "bepsilon"].contains(specimen.candidate.entry.descriptor.name) {
      let cursor = try engine.makeCursor(.all, .forward)
      var count = 0
      while try cursor.next() { count += 1 }
      let said = structure.facts.first { $0.name == "entries" || $0.name == "records" }
      #expect(said?.value == String(count))
    }
    try engine.close()
  }

  @Test(arguments: specimens)
  func aFlippedBitIsFoundWhereItIs(specimen: Specimen) throws {
    let memory = try specimen.image(seed: 11)
    let clean = try Self.examine(memory)
    #expect(clean.isSound)
    let isVolume = clean.volume != nil
    let used = clean.owners.map { $0.offset + $0.byteCount }.max() ?? 0
    let blockByteCount = clean.structure?.facts.first { $0.name == "block_bytes" }.flatMap {
      UInt64($0.value)
    }
    let random = CounterRandom(seed: 11, stream: 0x666C_6970)
    var noticedCount = 0
    for number in 0..<UInt64(1_000) {
      // Two in three lie in what somebody owns, the others anywhere up to a little beyond.
      var offset = random.uniform(below: used + 65_536, number)
      if number % 3 != 0 {
        let owner = clean.owners[Int(random.uniform(below: UInt64(clean.owners.count), number, 1))]
        offset = owner.offset + random.uniform(below: owner.byteCount, number, 2)
      }
      let damaged = memory.clone()
      damaged.flipBit(ofByteAt: offset, bit: Int(number % 8))
      let found = try Self.examine(damaged, note: clean.engine)
      let owner = clean.owners.first { $0.offset <= offset && offset - $0.offset < $0.byteCount }
      guard let owner, owner.isChecked else {
        if isVolume { #expect(found.isSound, "seed 11, flip \(number) at \(offset): \(found.findings)") }
        continue
      }
      noticedCount += 1
      let isNamed = found.findings.contains { finding in
        guard finding.offset <= offset else { return false }
        if owner.structure.hasPrefix("log") && owner.structure.hasSuffix("records") {
          return finding.structure == "log 0" || finding.structure == "append log record"
        }
        if owner.structure == "sorted file piece" {
          return offset - finding.offset < blockByteCount ?? 0
        }
        return finding.offset >= owner.offset
      }
      #expect(isNamed, "seed 11, flip \(number) at \(offset) in \(owner): \(found.findings)")
    }
    #expect(noticedCount > (isVolume ? 300 : 50))
  }

  @Test(arguments: Candidate.defaults.filter { $0.entry.descriptor.name != "null" })
  func whatIsCutShortIsSaid(candidate: Candidate) throws {
    let memory = try Specimen(candidate: candidate, isClosed: true).image(seed: 13, batchCount: 12)
    let bytes = memory.peek(at: 0, byteCount: 1 << 20)
    for length in [0, 1, 8, 100, 511, 512, 4_095, 4_096, 5_000, 8_192, 65_536, 131_072, 140_000, 1 << 20] {
      let found = try Self.examine(Array(bytes[..<length]))
      #expect(!found.isSound, "\(length) bytes pass: \(found.findings)")
    }
  }

  @Test func foreignBytesAreErrorsAndNeverTraps() throws {
    let random = CounterRandom(seed: 17, stream: 0x6A75_6E6B)
    for number in 0..<UInt64(60) {
      let length = Int(random.uniform(below: 300_000, number))
      var bytes = (0..<length).map { UInt8(truncatingIfNeeded: random.draw(number, UInt64($0))) }
      // Every third claims to be a volume, every third a file space, with a plausible transfer unit.
      let magic = Array((number % 3 == 0 ? "BETULAVO" : "BetulaFS").utf8)
      let start = number % 3 == 0 ? 0 : 12
      if number % 3 != 2, length > 64 {
        bytes.replaceSubrange(start..<(start + 8), with: magic)
        bytes.replaceSubrange(24..<28, with: [0, 16, 0, 0])
      }
      let found = try Self.examine(bytes)
      #expect(!found.isSound, "seed 17, image \(number)")
    }
    #expect(try !Self.examine([UInt8](repeating: 0, count: 1 << 20)).isSound)
    // The null engine leaves zeros, and then they are right.
    let blank = MemoryDevice(capacityByteCount: 1 << 20)
    #expect(try Self.examine(blank, note: "null").isSound)
  }

  @Test(arguments: [
    Candidate(named: "append-log"), Candidate(named: "sorted-file"), Candidate(named: "sqlite"),
  ])
  func scrambledStretchesNeverTrap(candidate: Candidate) throws {
    let memory = try Specimen(candidate: candidate, isClosed: false).image(seed: 19, batchCount: 25)
    let random = CounterRandom(seed: 19, stream: 0x7363_7261)
    let clean = try Self.examine(memory)
    for number in 0..<UInt64(150) {
      let damaged = memory.clone()
      let owner = clean.owners[Int(random.uniform(below: UInt64(clean.owners.count), number))]
      for byte in 0..<min(owner.byteCount, 1 + random.uniform(below: 64, number, 1)) {
        let offset = owner.offset + random.uniform(below: owner.byteCount, number, 2 + byte)
        damaged.flipBit(ofByteAt: offset, bit: Int(byte % 8))
      }
      let found = try Self.examine(damaged, note: clean.engine)
      if owner.isChecked { #expect(!found.findings.isEmpty, "seed 19, image \(number), \(owner)") }
    }
  }

  static let crashing: [Candidate] =
    Candidate.durable + [Candidate(named: "sqlite", ["journal_mode": .text("delete")])]

  /// A crash is no damage: what an engine can be opened from is sound, whatever survived.
  @Test(arguments: crashing)
  func whatACrashLeavesIsSound(candidate: Candidate) throws {
    let script = TrialScript.story(seed: 29, batchCount: 8, syncEveryCommits: 1, largestValueByteCount: 3_000)
    let sweep = CrashSweep(candidate.subject, script: script)
    var soundCount = 0
    var sentences: Set<String> = []
    for point in stride(from: 3, to: 90, by: 3) {
      for survivors in [CrashSurvivors.none, .all, .seeded(UInt64(point))] {
        guard let image = sweep.image(of: CrashCase(point: point, survivors: survivors)) else { continue }
        let found = try Self.examine(image, note: candidate.entry.descriptor.name)
        let bench = Bench(candidate, seed: 1, memory: image.clone())
        bench.syncEveryCommits = 1
        do {
          try bench.open(creates: false).verify()
        } catch {
          // Formatting was not finished: nothing is there yet.
          bench.abandon()
          continue
        }
        bench.abandon()
        #expect(found.isSound, "point \(point), survivors \(survivors.spelling): \(found.findings)")
        soundCount += 1
        sentences.formUnion(found.recovery.map { String($0.filter { !$0.isNumber }) })
      }
    }
    #expect(soundCount > 20)
    switch candidate.label {
    case "append-log":
      #expect(sentences.contains { $0.contains("commits not yet checkpointed") }, "\(sentences)")
    case "sqlite": #expect(sentences.contains { $0.hasPrefix("the write-ahead log holds") }, "\(sentences)")
    case "sqlite journal_mode=delete":
      #expect(sentences.contains { $0.hasPrefix("a rollback journal") }, "\(sentences)")
    default: break
    }
  }

  /// An engine that forgets an extent, claims one twice, or claims what is free, is told.
  @Test func wrongClaimsAreFound() throws {
    let memory = try Specimen(candidate: Candidate(named: "sorted-file"), isClosed: true).image(seed: 23)
    var entry = try #require(engineEntry(named: "sorted-file"))
    let honest = try #require(entry.examine)
    func findings(
      _ examine: @escaping EngineEntry.Examine
    ) throws -> [String] {
      entry.examine = examine
      return try ImageExamination(
        memory, format: .volume(transferUnitByteCount: 4_096), byteCount: memory.capacityByteCount,
        catalogue: [entry]
      ).findings.map(\.detail)
    }
    #expect(try findings(honest).isEmpty)
    #expect(try findings { _, _ in }.contains { $0.hasSuffix("it is leaked") })
    #expect(
      try findings { (image, report) throws(StorageError) in
        try honest(image, &report)
        if let first = report.claims.first { report.claim(first.extent, "again") }
      }.contains { $0.hasSuffix("belongs to something else too") })
    #expect(
      try findings { (image, report) throws(StorageError) in
        try honest(image, &report)
        report.claim(Extent(offset: 15 << 20, byteCount: 4_096), "free")
        report.claim(Extent(offset: 1 << 40, byteCount: 4_096), "far")
      }.count == 2)
  }
}
