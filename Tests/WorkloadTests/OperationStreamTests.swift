// Goal: streams are the same whoever consumes them and however, have the proportions asked for, and hash equal only when
// they are equal.
// Method: whole streams compared; small loads exhaustively; proportions within 6 standard deviations; golden operations.

import KeyValue
import Primitives
import Testing

@testable import Workload

func makeWorkload(
  records: UInt64 = 1000, shape: KeyShape = .random, sizes: ValueSizes = .fixed(100), seed: UInt64 = 1
) throws -> WorkloadSpec {
  WorkloadSpec(
    recordCount: records, keys: try KeyCodec(shape: shape, seed: seed),
    values: ValueCodec(sizes: sizes, seed: seed),
    seed: seed)
}

/// All operations of a stream.
func collect(_ stream: inout OperationStream) -> [Operation] {
  var operations: [Operation] = []
  var operation = Operation()
  while stream.next(&operation) { operations.append(operation) }
  return operations
}

/// A phase with every operation.
func everythingPhase(_ count: UInt64, distribution: String = "uniform") -> DataPhase {
  DataPhase(
    content: .operations(StreamOperation.allCases.enumerated().map { .init($1, weight: Double($0 + 1)) }),
    operationCount: count, distribution: distribution, scanEntryCount: 10, variesScanLength: true,
    upsertOperandByteCount: 5, rangeDeleteEntryCount: 3)
}

@Suite struct OperationStreamTests {
  @Test func loadsPutEveryIndexOnce() throws {
    for count in [0, 1, 2, 3, 5, 255, 256, 257, 1000] as [UInt64] {
      for isRandom in [false, true] {
        let workload = try makeWorkload(records: count)
        let phase = DataPhase(kind: "load", content: .load(random: isRandom), operationCount: count)
        var stream = try OperationStream(phase: phase, phaseOrdinal: 0, workload: workload)
        let operations = collect(&stream)
        #expect(operations.map(\.keyIndex).sorted() == Array(0..<count))
        if !isRandom { #expect(operations.map(\.keyIndex) == Array(0..<count)) }
        #expect(operations.allSatisfy { $0.kind == .put && $0.length == 100 })
        #expect(operations.map(\.version) == (0..<UInt32(count)).map { $0 + 1 })
        #expect(stream.position == StreamPosition(nextKeyIndex: count, nextVersion: UInt32(count) + 1))
      }
    }
  }

  @Test(arguments: distributionCatalogue.map(\.name))
  func twoStreamsOfOneSpecAreEqual(distribution: String) throws {
    let workload = try makeWorkload(sizes: .uniform(0...300))
    let position = StreamPosition(nextKeyIndex: 1000, nextVersion: 1001)
    let phase = everythingPhase(3000, distribution: distribution)
    var first = try OperationStream(phase: phase, phaseOrdinal: 2, workload: workload, position: position)
    var second = try OperationStream(phase: phase, phaseOrdinal: 2, workload: workload, position: position)
    let operations = collect(&first)
    #expect(operations == collect(&second))
    #expect(first.hash == second.hash)
    #expect(operations.count == 3000)
    var third = try OperationStream(phase: phase, phaseOrdinal: 3, workload: workload, position: position)
    #expect(operations != collect(&third))
    #expect(first.hash != third.hash)
    var populated: UInt64 = 1000
    for (place, operation) in operations.enumerated() {
      if operation.kind == .put {
        #expect(operation.keyIndex == populated)
        populated += 1
      } else {
        #expect(operation.keyIndex < populated)
      }
      if operation.kind.isWrite { #expect(operation.version == 1001 + UInt32(place)) }
      if operation.kind == .scan { #expect((1...10).contains(operation.length)) }
    }
  }

  /// Stopping anywhere and copying the stream changes nothing; the position counts only what was handed out.
  @Test func streamsAreValues() throws {
    let workload = try makeWorkload()
    let start = StreamPosition(nextKeyIndex: 1000, nextVersion: 1001)
    var stream = try OperationStream(
      phase: everythingPhase(1000), phaseOrdinal: 1, workload: workload, position: start)
    var puts: UInt64 = 0
    var operation = Operation()
    for taken in 0..<1000 as Range<UInt32> {
      if taken % 97 == 0 {
        #expect(stream.position == StreamPosition(nextKeyIndex: 1000 + puts, nextVersion: 1001 + taken))
        var copy = stream
        var original = stream
        #expect(collect(&copy) == collect(&original))
        #expect(copy.hash == original.hash)
      }
      let isThere = stream.next(&operation)
      #expect(isThere)
      if operation.kind == .put { puts += 1 }
    }
    let isThere = stream.next(&operation)
    #expect(!isThere)
    #expect(stream.position == StreamPosition(nextKeyIndex: 1000 + puts, nextVersion: 2001))
  }

  @Test func anotherSeedGivesAnotherStream() throws {
    let phase = everythingPhase(500)
    let position = StreamPosition(nextKeyIndex: 1000, nextVersion: 1001)
    var hashes: Set<String> = []
    for seed in 0..<50 as Range<UInt64> {
      var stream = try OperationStream(
        phase: phase, phaseOrdinal: 1, workload: try makeWorkload(seed: seed), position: position)
      _ = collect(&stream)
      hashes.insert(stream.hash.description)
    }
    #expect(hashes.count == 50)
  }

  @Test func everyFieldEntersTheHash() {
    let base = Operation(kind: .put, keyIndex: 5, version: 6, length: 7, detail: 8)
    var variants = [base]
    // All bits a stream can set: indices stay below 2^62, versions below 2^31.
    for bit in 0..<64 as Range<UInt64> {
      if bit < 62 {
        variants.append(Operation(kind: .put, keyIndex: 5 ^ (1 << bit), version: 6, length: 7, detail: 8))
      }
      variants.append(Operation(kind: .put, keyIndex: 5, version: 6, length: 7, detail: 8 ^ (1 << bit)))
    }
    for bit in 0..<32 as Range<UInt32> {
      if bit < 31 {
        variants.append(Operation(kind: .put, keyIndex: 5, version: 6 ^ (1 << bit), length: 7, detail: 8))
      }
      variants.append(Operation(kind: .put, keyIndex: 5, version: 6, length: 7 ^ (1 << bit), detail: 8))
    }
    for kind in StreamOperation.allCases where kind != .put {
      variants.append(Operation(kind: kind, keyIndex: 5, version: 6, length: 7, detail: 8))
    }
    var hashes: Set<UInt64> = []
    for variant in variants {
      var hash = StreamHash()
      hash.add(variant)
      hashes.insert(hash.value)
      // The order of operations matters too.
      var before = StreamHash()
      before.add(variant)
      before.add(Operation())
      var after = StreamHash()
      after.add(Operation())
      after.add(variant)
      #expect(before != after)
    }
    #expect(hashes.count == variants.count)
  }

  @Test func mixesHaveTheirProportions() throws {
    let count = 200_000
    let workload = try makeWorkload()
    var stream = try OperationStream(
      phase: everythingPhase(UInt64(count)), phaseOrdinal: 4, workload: workload,
      position: StreamPosition(nextKeyIndex: 1000, nextVersion: 1))
    var counts: [StreamOperation: Int] = [:]
    for operation in collect(&stream) { counts[operation.kind, default: 0] += 1 }
    for (place, kind) in StreamOperation.allCases.enumerated() {
      let share = Double(place + 1) / 55
      let deviation = (share * (1 - share) * Double(count)).squareRoot()
      #expect(abs(Double(counts[kind] ?? 0) - share * Double(count)) < 6 * deviation, "\(kind)")
    }
  }

  @Test func operationsWithoutWeightNeverCome() throws {
    let workload = try makeWorkload()
    let phase = DataPhase(
      content: .operations([.init(.delete, weight: 0), .init(.getHit, weight: 1e-9), .init(.scan, weight: 0)]
      ),
      operationCount: 10_000)
    var stream = try OperationStream(
      phase: phase, phaseOrdinal: 1, workload: workload,
      position: StreamPosition(nextKeyIndex: 3, nextVersion: 1))
    #expect(collect(&stream).allSatisfy { $0.kind == .getHit })
  }

  /// Warming with a skewed distribution warms the keys that later phases find hot.
  @Test func phasesShareTheirHotKeys() throws {
    let workload = try makeWorkload(records: 10_000)
    var hottest: [UInt64] = []
    for (ordinal, kind) in [(3, "warm"), (5, "read"), (9, "mixed")] {
      let phase = DataPhase(
        kind: kind, content: .operations([.init(.getHit)]), operationCount: 20_000, distribution: "zipf",
        parameters: ParameterSet(["theta": .real(1.2)]))
      var stream = try OperationStream(
        phase: phase, phaseOrdinal: ordinal, workload: workload,
        position: StreamPosition(nextKeyIndex: 10_000, nextVersion: 1))
      var counts: [UInt64: Int] = [:]
      for operation in collect(&stream) { counts[operation.keyIndex, default: 0] += 1 }
      if let top = counts.max(by: { ($0.value, $0.key) < ($1.value, $1.key) }) { hottest.append(top.key) }
    }
    #expect(Set(hottest).count == 1 && hottest.count == 3)
  }

  @Test func impossibleStreamsAreRefused() throws {
    let workload = try makeWorkload()
    #expect(
      parameterRefused {
        _ = try OperationStream(phase: everythingPhase(1), phaseOrdinal: 0, workload: workload)
      } == "phases")
    #expect(
      parameterRefused {
        _ = try OperationStream(
          phase: everythingPhase(10), phaseOrdinal: 0, workload: workload,
          position: StreamPosition(nextKeyIndex: 5, nextVersion: OperationStream.maximumVersion - 9))
      } == "operations")
    let puts = DataPhase(content: .operations([.init(.put)]), operationCount: 5)
    var stream = try OperationStream(phase: puts, phaseOrdinal: 0, workload: workload)
    #expect(collect(&stream).map(\.keyIndex) == [0, 1, 2, 3, 4])
  }

  @Test func goldenStreams() throws {
    let workload = try makeWorkload(sizes: .uniform(10...200))
    let load = DataPhase(kind: "load", content: .load(random: true), operationCount: 1000)
    var stream = try OperationStream(phase: load, phaseOrdinal: 0, workload: workload)
    let operations = collect(&stream)
    #expect(operations.prefix(20).map(\.keyIndex) == GoldenStreams.loadIndices)
    var mixed = try OperationStream(
      phase: everythingPhase(1000, distribution: "zipf"), phaseOrdinal: 1, workload: workload,
      position: stream.position)
    let text = collect(&mixed).prefix(20).map {
      "\($0.kind.name) \($0.keyIndex) \($0.version) \($0.length) \($0.detail)"
    }
    #expect(text == GoldenStreams.mixed)
    #expect([stream.hash.description, mixed.hash.description] == GoldenStreams.hashes)
  }
}
