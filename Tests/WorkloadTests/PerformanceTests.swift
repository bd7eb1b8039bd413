// Goal: show what generating and checking costs per operation. Method: time long loops and print; nothing is asserted
// about time, only that the loops did their work.

import KeyValue
import Primitives
import Testing

@testable import Workload

@Suite(.serialized) struct PerformanceTests {
  /// Runs `body` over 0 ..< count and prints nanoseconds per turn.
  private func measure(_ name: String, _ count: UInt64, _ body: (Range<UInt64>) -> UInt64) {
    var best = Duration.seconds(1000)
    var result: UInt64 = 0
    for _ in 0..<3 {
      let clock = ContinuousClock()
      best = min(best, clock.measure { result &+= body(0..<count) })
    }
    let nanoseconds = Double(best.components.attoseconds) / 1e9 + Double(best.components.seconds) * 1e9
    let tenths = Int(nanoseconds / Double(count) * 10)
    print("  \(name): \(tenths / 10).\(tenths % 10) ns  (\(result & 0xFF))")
  }

  @Test func keysAndValues() throws {
    let count: UInt64 = 1_000_000
    let key = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 16)
    let value = UnsafeMutableRawBufferPointer.allocate(byteCount: 100, alignment: 16)
    defer {
      key.deallocate()
      value.deallocate()
    }
    for shape in KeyShape.allCases {
      let codec = try KeyCodec(shape: shape, keyByteCount: 16, prefixByteCount: 8, seed: 1)
      measure("key \(shape.rawValue)", count) { range in
        for index in range { codec.write(index: index, into: key) }
        return UInt64(key[3])
      }
    }
    let values = ValueCodec(seed: 1)
    measure("value fill 100", count) { range in
      for index in range { values.fill(into: value, keyIndex: index, version: 1) }
      return UInt64(value[50])
    }
    values.fill(into: value, keyIndex: 7, version: 1)
    measure("value verify 100", count) { range in
      var right: UInt64 = 0
      for _ in range where values.verify(UnsafeRawBufferPointer(value).bytes, keyIndex: 7, version: 1) {
        right += 1
      }
      return right
    }
    for sizes in [
      ValueSizes.uniform(0...200), .normal(mean: 100, deviation: 20, 0...200),
      .pareto(location: 0, shape: 0.2615, scale: 25.45, 10...1024),
    ] {
      let codec = ValueCodec(sizes: sizes, seed: 1)
      measure("value size \(sizes)", count) { range in
        var sum = 0
        for index in range { sum += codec.byteCount(keyIndex: index, version: 1) }
        return UInt64(sum)
      }
    }
  }

  @Test func streams() throws {
    let workload = try makeWorkload(records: 1_000_000)
    for name in distributionCatalogue.map(\.name) {
      for content in [[StreamOperation.getHit], [.overwrite, .getHit, .put]] {
        let phase = DataPhase(
          content: .operations(content.map { .init($0) }), operationCount: 1_000_000, distribution: name)
        var failure: (any Error)?
        measure("stream \(name) \(content.map(\.name).joined(separator: "+"))", 1_000_000) { _ in
          do {
            var stream = try OperationStream(
              phase: phase, phaseOrdinal: 1, workload: workload,
              position: StreamPosition(nextKeyIndex: 1_000_000, nextVersion: 1))
            var operation = Operation()
            while stream.next(&operation) {}
            return stream.hash.value
          } catch {
            failure = error
            return 0
          }
        }
        #expect(failure == nil)
      }
    }
  }

  @Test func wholeOperations() throws {
    let workload = try makeWorkload(records: 1_000_000)
    let load = DataPhase(kind: "load", content: .load(random: true), operationCount: 1_000_000)
    var checker = AnswerChecker(workload: workload)
    var failure: (any Error)?
    let run = { (name: String, isChecked: Bool) in
      measure(name, 1_000_000) { _ in
        do {
          var stream = try OperationStream(phase: load, phaseOrdinal: 0, workload: workload)
          var encoder = OperationEncoder(workload: workload)
          var batch = WriteBatch(reservedByteCount: 1 << 20)
          var operation = Operation()
          while stream.next(&operation) {
            encoder.append(operation, to: &batch)
            if isChecked { checker.note(operation) }
            if batch.count == 1000 {
              batch.removeAll()
              if isChecked { checker.applied() }
            }
          }
          return stream.hash.value
        } catch {
          failure = error
          return 0
        }
      }
    }
    run("load into batches, unchecked", false)
    run("load into batches, state kept", true)
    #expect(failure == nil)
  }

  /// The values of 1,000 keys lie in memory; verifying them alone, and through the checker, over 10⁶ keys' state.
  @Test func checkedGets() throws {
    let workload = try makeWorkload(records: 1_000_000)
    var checker = AnswerChecker(workload: workload)
    for index in 0..<1_000_000 as Range<UInt64> {
      checker.note(Operation(kind: .put, keyIndex: index, version: UInt32(index) + 1, length: 100))
    }
    checker.applied()
    let indices = (0..<1024).map { CounterRandom(seed: 1, stream: 1).uniform(below: 1_000_000, $0) }
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 1024 * 100, alignment: 16)
    defer { memory.deallocate() }
    for (place, index) in indices.enumerated() {
      let value = UnsafeMutableRawBufferPointer(rebasing: memory[place * 100..<place * 100 + 100])
      workload.values.fill(into: value, keyIndex: index, version: UInt32(index) + 1)
    }
    measure("verify of 1,024 values", 1_000_000) { range in
      var right: UInt64 = 0
      for turn in range {
        let place = Int(turn & 1023)
        let value = UnsafeRawBufferPointer(rebasing: memory[place * 100..<place * 100 + 100])
        let index = indices[place]
        if workload.values.verify(value.bytes, keyIndex: index, version: UInt32(index) + 1) { right += 1 }
      }
      return right
    }
    measure("checked get of 1,024 values", 1_000_000) { range in
      checkAll(&checker, indices, UnsafeRawBufferPointer(memory), range)
    }
    #expect(checker.wrongAnswerCount == 0 && checker.checkedAnswerCount == 3_000_000)
  }

  private func checkAll(
    _ checker: inout AnswerChecker, _ indices: [UInt64], _ memory: UnsafeRawBufferPointer,
    _ range: Range<UInt64>
  ) -> UInt64 {
    for turn in range {
      let place = Int(turn & 1023)
      let value = UnsafeRawBufferPointer(rebasing: memory[place * 100..<place * 100 + 100])
      checker.check(value.bytes, for: Operation(kind: .getHit, keyIndex: indices[place]), ordinal: turn)
    }
    return checker.checkedAnswerCount
  }

  /// 10⁶ writes noted and applied in batches of 1,000, random order; then scans of 100 entries.
  @Test func stateAndScans() throws {
    let workload = try makeWorkload(records: 1_000_000)
    let order = Permutation(count: 1_000_000, seed: 3)
    var checker = AnswerChecker(workload: workload)
    measure("note and apply, 1,000 at a time", 1_000_000) { range in
      noteAll(&checker, order, range)
    }
    let start = ContinuousClock.now
    checker.beginScan(Operation(kind: .scan, keyIndex: 0, length: 100), ordinal: 0, order: .forward)
    print("  first scan sorts 10^6 keys: \(ContinuousClock.now - start)")
    let indices = (0..<1000).map { CounterRandom(seed: 1, stream: 1).uniform(below: 1_000_000, $0) }
    let state = checker.state
    measure("scan walk, per entry", 100_000) { _ in
      var state = state
      var sum: UInt64 = 0
      for index in indices {
        var walk = state.walk(from: index, .forward)
        for _ in 0..<100 { sum &+= state.next(&walk) ?? 0 }
      }
      return sum
    }
  }

  private func noteAll(_ checker: inout AnswerChecker, _ order: Permutation, _ range: Range<UInt64>) -> UInt64
  {
    for turn in range {
      checker.note(Operation(kind: .put, keyIndex: order[turn], version: UInt32(turn) + 1, length: 100))
      if turn % 1000 == 999 { checker.applied() }
    }
    return checker.state.liveKeyCount
  }
}
