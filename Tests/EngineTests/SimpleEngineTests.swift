// Goal: the simple engines cost what the complexity table says, stay in their memory, and repeat themselves.
// Method: device counts of single operations at doubling sizes; refusals at tiny budgets; two runs of one seed
// compared byte for byte; ledger against device.

import Accounting
import EngineCatalogue
import KeyValue
import Primitives
import Storage
import Testing

/// An engine with `count` entries of a 16-byte key and a 100-byte value, in batches of 500, keys shuffled.
private func loaded(_ candidate: Candidate, count: Int, seed: UInt64 = 1) throws -> Bench {
  let bench = Bench(candidate, seed: seed)
  let engine = try bench.open(creates: true)
  let order = Permutation(count: UInt64(count), seed: seed)
  var batch = WriteBatch()
  for index in 0..<count {
    batch.put(
      key(Int(order[UInt64(index)])), [UInt8](repeating: UInt8(truncatingIfNeeded: index), count: 100))
    if batch.count == 500 || index == count - 1 {
      try engine.apply(batch, sync: false)
      batch.removeAll()
    }
  }
  try engine.checkpoint()
  return bench
}

private func key(_ number: Int) -> [UInt8] {
  let digits = String(number)
  return [UInt8](("key" + String(repeating: "0", count: 13 - digits.count) + digits).utf8)
}

private func open(_ bench: Bench) throws -> any Engine { try #require(bench.engine) }

@Suite struct SimpleEngineTests {
  @Test func appendLogWritesAConstantAndReadsEverything() throws {
    var reads: [UInt64] = []
    for count in [1_000, 2_000, 4_000, 8_000] {
      let bench = try loaded(Candidate(named: "append-log"), count: count)
      let engine = try open(bench)
      var before = bench.counting.counts
      var batch = WriteBatch()
      batch.put(key(3), [1])
      try engine.apply(batch, sync: true)
      let written = bench.counting.counts.subtracting(before)[.write].byteCount
      #expect(written <= 8_192, "one put wrote \(written) bytes at \(count) entries")
      before = bench.counting.counts
      #expect(try engine.value(for: key(3)) == [1])
      reads.append(bench.counting.counts.subtracting(before)[.read].byteCount)
    }
    for (smaller, larger) in zip(reads, reads.dropFirst()) {
      #expect(larger > smaller * 17 / 10 && larger < smaller * 23 / 10, "a get read \(reads) bytes")
    }
  }

  @Test func sortedFileWritesEverythingAndReadsALogarithm() throws {
    var writes: [UInt64] = []
    for count in [1_000, 2_000, 4_000, 8_000] {
      let bench = try loaded(Candidate(named: "sorted-file"), count: count)
      let engine = try open(bench)
      var before = bench.counting.counts
      try engine.put(key(3), [1])
      writes.append(bench.counting.counts.subtracting(before)[.write].byteCount)
      let blocks = try #require(engine.statistics().first { $0.name == "file_blocks" }).value
      let bound = UInt64(UInt64.bitWidth - blocks.leadingZeroBitCount)
      for number in stride(from: 0, to: count, by: count / 37) {
        before = bench.counting.counts
        _ = try engine.value(for: key(number))
        let reads = bench.counting.counts.subtracting(before)[.read].operationCount
        #expect(reads <= bound, "a get read \(reads) of \(blocks) blocks")
      }
    }
    for (smaller, larger) in zip(writes, writes.dropFirst()) {
      #expect(larger > smaller * 18 / 10 && larger < smaller * 22 / 10, "a put wrote \(writes) bytes")
    }
  }

  @Test func pinnedFenceReadsOneBlock() throws {
    let bench = try loaded(Candidate(named: "sorted-file", ["fence": .text("pinned")]), count: 3_000)
    for round in 0..<2 {
      let engine = try open(bench)
      for number in stride(from: 0, to: 3_000, by: 101) {
        let before = bench.counting.counts
        #expect(try engine.value(for: key(number))?.count == 100)
        #expect(bench.counting.counts.subtracting(before)[.read].operationCount == 1)
      }
      if round == 0 {
        try engine.close()
        try bench.open(creates: false)
      }
    }
  }

  @Test func causesAreTheEnginesOwn() throws {
    for (name, cause) in [("append-log", Cause.record), ("sorted-file", Cause.sortedRun)] {
      let bench = try loaded(Candidate(named: name), count: 2_000)
      let ledger = bench.channel.ledger
      let written = ledger.total(.write)
      let own = ledger.total(.write, cause)
      #expect(own.transferredByteCount * 10 > written.transferredByteCount * 8, "\(name)")
      let classes = ledger.total(.write, CauseClass.data).transferredByteCount
      #expect(classes == own.transferredByteCount, "\(name) writes data of one cause")
    }
  }

  @Test(arguments: Candidate.all)
  func ledgerIsConservedAndRunsRepeat(candidate: Candidate) throws {
    var hashes: [UInt64] = []
    var ledgers: [IOLedger] = []
    for _ in 0..<2 {
      let bench = try loaded(candidate, count: 600, seed: 7)
      let engine = try open(bench)
      _ = try engine.entries()
      try engine.settle()
      try engine.close()
      try checkConservation(ledger: bench.channel.ledger, counts: bench.counting.counts)
      hashes.append(bench.memory.contentHash())
      ledgers.append(bench.channel.ledger)
    }
    #expect(hashes[0] == hashes[1])
    #expect(ledgers[0] == ledgers[1])
  }

  @Test(arguments: ["append-log", "sorted-file"])
  func memoryIsKeptOrRefused(name: String) throws {
    for memory in [1 << 12, 1 << 16, 1 << 17, 1 << 18, 1 << 20] {
      let candidate = Candidate(named: name, memoryByteCount: memory)
      let bench = Bench(candidate, seed: 1)
      do throws(EngineError) {
        let engine = try bench.open(creates: true)
        for round in 0..<40 {
          var batch = WriteBatch()
          for number in 0..<50 { batch.put(key(round * 31 + number * 7), [UInt8](repeating: 1, count: 100)) }
          try engine.apply(batch, sync: false)
          _ = try engine.value(for: key(round))
        }
        #expect(try engine.entries().count > 1_000)
        #expect(bench.budget.peakByteCount <= memory)
        try engine.close()
        #expect(bench.budget.heldByteCount == 0)
      } catch {
        switch error {
        case .invalidParameters(let reason): #expect(reason.contains("\(memory)"), "\(memory): \(reason)")
        case .storage(.outOfBudget): #expect(memory <= 1 << 17, "\(memory): \(error)")
        default: Issue.record("\(memory) bytes of memory: \(error)")
        }
      }
    }
  }

  @Test func sortedFileRefusesAFenceThatDoesNotFit() throws {
    let candidate = Candidate(
      named: "sorted-file", ["fence": .text("pinned"), "block_bytes": .integer(4_096)],
      memoryByteCount: 1 << 18)
    let bench = Bench(candidate, seed: 1)
    let engine = try bench.open(creates: true)
    var accepted = 0
    var refusal: EngineError?
    do throws(EngineError) {
      for round in 0..<60 {
        var batch = WriteBatch()
        for number in 0..<30 {
          batch.put(
            [UInt8](repeating: UInt8(number), count: 900) + [UInt8(round)],
            [UInt8](repeating: 0, count: 2_000))
        }
        try engine.apply(batch, sync: false)
        accepted += 30
      }
    } catch {
      refusal = error
    }
    guard case .storage(.outOfBudget(let account, _, _))? = refusal else {
      Issue.record("\(String(describing: refusal))")
      return
    }
    #expect(account == "index" || account == "merge_scratch")
    #expect(try engine.entries().count == accepted)
    try engine.verify()
    // It goes on working: a smaller file has a smaller fence.
    var batch = WriteBatch()
    batch.deleteRange([5], [255])
    try engine.apply(batch, sync: true)
    #expect(try engine.entries().count == accepted / 6)
  }

  @Test func sortedFileSurvivesAFullDevice() throws {
    let bench = Bench(Candidate(named: "sorted-file"), seed: 1, capacityByteCount: 1 << 20)
    let engine = try bench.open(creates: true)
    var state = ReferenceState()
    var refused = 0
    for round in 0..<120 {
      var batch = WriteBatch()
      for number in 0..<20 {
        batch.put(key(round * 20 + number), [UInt8](repeating: UInt8(round % 256), count: 200))
      }
      do throws(EngineError) {
        try engine.apply(batch, sync: round % 3 == 0)
        state.apply(batch, limits: engine.limits)
      } catch {
        guard case .storage(.noSpace) = error else {
          Issue.record("\(error)")
          return
        }
        refused += 1
      }
    }
    #expect(refused > 0)
    #expect(try engine.stateHash() == state.stateHash)
    try engine.verify()
  }

  @Test func catalogueFindsAndSuggests() {
    #expect(engineEntry(named: "append-log") != nil)
    #expect(engineEntry(named: "append_log") == nil)
    #expect(nearestEngineName(to: "append_log") == "append-log")
    #expect(nearestEngineName(to: "sortedfile") == "sorted-file")
    let names = engineCatalogue.map(\.descriptor.name)
    #expect(Set(names).count == names.count)
    for entry in engineCatalogue {
      for parameter in entry.descriptor.parameters {
        #expect(parameter.name.allSatisfy { $0 == "_" || $0.isLowercase || $0.isNumber })
        #expect(!parameter.meaning.isEmpty)
      }
    }
  }
}
