// Goal: the engines' upsert arithmetic, batch limits and the reference state are right.
// Method: the reused buffer against the reference's array arithmetic on random sequences; a plain dictionary
// against the chunked state; hand-made golden values.

import KeyValue
import Primitives
import Testing

/// SplitMix64, so that the sequences are the same on every machine.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}

@Suite struct UpsertTests {
  @Test(arguments: [1, 2, 3] as [UInt64])
  func bufferFollowsTheReference(seed: UInt64) {
    var random = SplitMix(state: seed)
    var buffer = ValueBuffer(reservedByteCount: 8)
    let limit = 40
    var state = ReferenceState()
    for step in 0..<20_000 {
      let kind = [OperationKind.put, .delete, .add, .append, .patch].randomElement(using: &random) ?? .put
      var operand: [UInt8] = []
      switch kind {
      case .put: operand = randomBytes(0...40, &random)
      case .add: operand = randomBytes(8...8, &random)
      case .append: operand = randomBytes(0...12, &random)
      case .patch:
        let offset = UInt8.random(in: 0...30, using: &random)
        operand = [offset, 0, 0, 0] + randomBytes(0...10, &random)
      case .delete, .deleteRange: break
      }
      state.apply(kind, key: [1], operand: operand, maximumValueByteCount: limit)
      operand.withUnsafeBytes { buffer.apply(kind, operand: $0, maximumValueByteCount: limit) }
      let value = buffer.isPresent ? [UInt8](buffer.bytes) : nil
      if value != state.value(for: [1]) {
        Issue.record(
          "seed \(seed), step \(step), \(kind): \(value ?? []), not \(state.value(for: [1]) ?? [])")
        return
      }
    }
  }

  @Test func applyUpsertReadsTheOldValueOnlyForUpserts() {
    let limits = EngineLimits(maximumKeyByteCount: 10, maximumValueByteCount: 10, offersSnapshots: false)
    var buffer = ValueBuffer()
    let old: [UInt8] = [1, 2]
    let cases: [(OperationKind, [UInt8], [UInt8]?)] = [
      (.put, [9], [9]), (.delete, [], nil), (.append, [3], [1, 2, 3]),
      (.add, [1, 0, 0, 0, 0, 0, 0, 0], [2, 2, 0, 0, 0, 0, 0, 0]),
      (.patch, [3, 0, 0, 0, 7], [1, 2, 0, 7]),
    ]
    for (kind, operand, expected) in cases {
      old.withUnsafeBytes { o in
        operand.withUnsafeBytes { applyUpsert(kind, old: o, operand: $0, limits: limits, into: &buffer) }
      }
      let value = buffer.isPresent ? [UInt8](buffer.bytes) : nil
      #expect(value == expected, "\(kind)")
    }
    [UInt8]([5]).withUnsafeBytes {
      applyUpsert(.append, old: nil, operand: $0, limits: limits, into: &buffer)
    }
    let value = [UInt8](buffer.bytes)
    #expect(value == [5])
  }

  @Test func bufferKeepsItsMemory() {
    var buffer = ValueBuffer(reservedByteCount: 64)
    let value = [UInt8](repeating: 7, count: 64)
    let start = buffer.bytes.baseAddress
    for _ in 0..<100 {
      value.withUnsafeBytes { buffer.assign($0) }
      buffer.makeAbsent()
    }
    let end = buffer.bytes.baseAddress
    let capacity = buffer.capacityByteCount
    #expect(start == end)
    #expect(capacity == 64)
  }

  @Test func batchNamesTheFirstOffender() {
    let limits = EngineLimits(
      maximumKeyByteCount: 4, maximumValueByteCount: 10, maximumBatchOperationCount: 3,
      offersSnapshots: false, offersRangeDelete: false)
    func error(_ fill: (inout WriteBatch) -> Void) -> EngineError? {
      var batch = WriteBatch()
      fill(&batch)
      do {
        try batch.check(against: limits)
        return nil
      } catch {
        return error
      }
    }
    #expect(error { $0.put([1, 2, 3, 4], [UInt8](repeating: 0, count: 10)) } == nil)
    let longKey = error { $0.put([1, 2, 3, 4, 5], []) }
    #expect(longKey == .limitExceeded(what: "key byte count", given: 5, limit: 4))
    let longValue = error {
      $0.put([1], [])
      $0.put([1], [UInt8](repeating: 0, count: 11))
    }
    #expect(longValue == .limitExceeded(what: "value byte count", given: 11, limit: 10))
    let longPatch = error { $0.patch([1], offset: 8, [1, 2, 3]) }
    #expect(longPatch == .limitExceeded(what: "value byte count", given: 11, limit: 10))
    #expect(error { $0.patch([1], offset: 8, [1, 2]) } == nil)
    let tooMany = error { batch in for _ in 0..<4 { batch.delete([1]) } }
    #expect(tooMany == .limitExceeded(what: "batch operation count", given: 4, limit: 3))
    if case .unsupported = error({ $0.deleteRange([1], [2]) }) {
    } else {
      Issue.record("range delete accepted")
    }
    var batch = WriteBatch()
    batch.put([1, 2, 3, 4, 5], [])
    batch.removeAll()
    let longest = batch.longest.keyByteCount
    #expect(longest == 0)
  }

  @Test(arguments: [1, 2] as [UInt64])
  func stateFollowsADictionary(seed: UInt64) {
    var random = SplitMix(state: seed)
    var state = ReferenceState()
    var dictionary: [[UInt8]: [UInt8]] = [:]
    for step in 0..<6_000 {
      let key = randomBytes(0...2, &random)
      switch Int.random(in: 0..<1000, using: &random) {
      case 0..<700:
        let value = randomBytes(0...9, &random)
        state.set(key, to: value)
        dictionary[key] = value
      case 700..<995:
        state.remove(key)
        dictionary[key] = nil
      default:
        let end = randomBytes(0...2, &random)
        state.removeRange(from: key, to: end)
        dictionary = dictionary.filter {
          $0.key.lexicographicallyPrecedes(key) || !$0.key.lexicographicallyPrecedes(end)
        }
      }
      if step % 100 == 0 {
        #expect(state.brokenInvariant() == nil)
        let expected = dictionary.sorted { $0.key.lexicographicallyPrecedes($1.key) }
          .map { KeyValuePair(key: $0.key, value: $0.value) }
        #expect(state.entries() == expected, "seed \(seed), step \(step)")
        #expect(state.entries(order: .reverse) == expected.reversed())
      }
    }
  }

  @Test func stateHashIsGolden() throws {
    #expect(ReferenceState().stateHash == 0xcbf2_9ce4_8422_2325)
    var state = ReferenceState()
    state.set([0x61], to: [0x62])
    var swapped = ReferenceState()
    swapped.set([0x61, 0x62], to: [])
    #expect(state.stateHash != swapped.stateHash)
    #expect(try ReferenceModel(state: state).stateHash() == state.stateHash)
    // FNV-1a of 01 00×7 61 01 00×7 62, written out.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte: UInt64 in [1, 0, 0, 0, 0, 0, 0, 0, 0x61, 1, 0, 0, 0, 0, 0, 0, 0, 0x62] {
      hash = (hash ^ byte) &* 0x100_0000_01b3
    }
    #expect(state.stateHash == hash)
  }
}

private func randomBytes(_ count: ClosedRange<Int>, _ random: inout SplitMix) -> [UInt8] {
  (0..<Int.random(in: count, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
}
