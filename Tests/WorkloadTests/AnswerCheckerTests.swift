// Goal: right answers pass, wrong ones are noticed, whatever the operations before; live bytes are exact.
// Method: streams of every operation against a naive dictionary, for all key shapes and value sizes, in batches; then
// canaries: one answer at a time is falsified and must be found.

import KeyValue
import Primitives
import Testing

@testable import Workload

/// Runs a phase against the naive dictionary and checks every answer; `falsify` may change what is answered.
private struct Trial {
  let workload: WorkloadSpec
  var checker: AnswerChecker
  var dictionary = NaiveDictionary()
  var position = StreamPosition()
  var phaseOrdinal = 0

  init(_ workload: WorkloadSpec, maximumValueByteCount: Int = 1 << 20) {
    self.workload = workload
    checker = AnswerChecker(workload: workload, maximumValueByteCount: maximumValueByteCount)
    dictionary.maximumValueByteCount = maximumValueByteCount
  }

  mutating func run(
    _ phase: DataPhase, batch batchOperationCount: Int,
    falsify: (_ answer: inout [(key: [UInt8], value: [UInt8])], _ operation: Workload.Operation) -> Void = {
      _, _ in
    }
  ) throws {
    var stream = try OperationStream(
      phase: phase, phaseOrdinal: phaseOrdinal, workload: workload, position: position)
    var encoder = OperationEncoder(workload: workload)
    var batch = WriteBatch()
    var operation = Operation()
    var ordinal: UInt64 = 0
    checker.beginPhase(phase.kind)
    while stream.next(&operation) {
      if operation.kind.isWrite {
        encoder.append(operation, to: &batch)
        checker.note(operation)
        if batch.count == batchOperationCount { flush(&batch) }
      } else {
        let key = Array(encoder.key(of: operation))
        if operation.kind == .scan {
          var answer = dictionary.scan(key, count: Int(operation.length), order: phase.scanOrder)
          falsify(&answer, operation)
          checker.beginScan(operation, ordinal: ordinal, order: phase.scanOrder)
          for entry in answer { checker.checkEntry(key: entry.key.span.bytes, value: entry.value.span.bytes) }
          checker.endScan()
        } else {
          var answer = dictionary.get(key).map { [(key: key, value: $0)] } ?? []
          falsify(&answer, operation)
          if let found = answer.first {
            checker.check(found.value.span.bytes, for: operation, ordinal: ordinal)
          } else {
            checker.checkNotFound(operation, ordinal: ordinal)
          }
        }
      }
      ordinal += 1
    }
    flush(&batch)
    position = stream.position
    phaseOrdinal += 1
  }

  mutating func flush(_ batch: inout WriteBatch) {
    dictionary.apply(batch)
    batch.removeAll()
    checker.applied()
  }

  func expectEqualState() {
    #expect(checker.state.liveKeyCount == UInt64(dictionary.entries.count))
    let bytes = dictionary.entries.reduce(0) { $0 + $1.key.count + $1.value.count }
    #expect(checker.state.liveLogicalByteCount == UInt64(bytes))
    var live = 0
    for index in 0..<position.nextKeyIndex {
      let key = workload.keys.key(index)
      #expect(checker.state.expectedValue(index) == dictionary.get(key))
      live += checker.state.isLive(index) ? 1 : 0
    }
    #expect(live == dictionary.entries.count)
  }
}

private func load(_ workload: WorkloadSpec) -> DataPhase {
  DataPhase(kind: "load", content: .load(random: true), operationCount: workload.recordCount)
}

private let allSizes: [ValueSizes] = [
  .fixed(0), .fixed(5), .fixed(8), .fixed(100), .uniform(0...40),
  .pareto(location: 0, shape: 0.2615, scale: 25.45, 10...200),
]

@Suite struct AnswerCheckerTests {
  @Test(arguments: KeyShape.allCases) func rightAnswersPass(shape: KeyShape) throws {
    for (seed, sizes) in allSizes.enumerated() {
      for scanOrder in ScanOrder.allCases {
        let workload = try makeWorkload(records: 300, shape: shape, sizes: sizes, seed: UInt64(seed))
        var trial = Trial(workload, maximumValueByteCount: 210)
        try trial.run(load(workload), batch: 7)
        trial.expectEqualState()
        var phase = everythingPhase(1500)
        phase.scanOrder = scanOrder
        for batch in [1, 10, 1000] {
          try trial.run(phase, batch: batch)
          trial.expectEqualState()
          #expect(trial.checker.firstWrongAnswer == nil, "\(shape) \(sizes) \(scanOrder)")
        }
        #expect(trial.checker.checkedAnswerCount > 500)
      }
    }
  }

  @Test func manyInsertionsKeepTheOrder() throws {
    let workload = try makeWorkload(records: 20)
    var trial = Trial(workload)
    try trial.run(load(workload), batch: 1)
    let phase = DataPhase(
      content: .operations([.init(.put, weight: 9), .init(.scan)]), operationCount: 8000, scanEntryCount: 20)
    try trial.run(phase, batch: 3)
    #expect(trial.checker.firstWrongAnswer == nil)
    trial.expectEqualState()
  }

  /// Every scan that runs off the end of the keys must end exactly there.
  @Test func scansOfMoreThanThereIs() throws {
    for shape in KeyShape.allCases {
      let workload = try makeWorkload(records: 30, shape: shape)
      for scanOrder in ScanOrder.allCases {
        var trial = Trial(workload)
        try trial.run(load(workload), batch: 30)
        try trial.run(
          DataPhase(
            content: .operations([.init(.scan, weight: 3), .init(.delete)]), operationCount: 300,
            scanEntryCount: 40,
            scanOrder: scanOrder), batch: 1)
        #expect(trial.checker.firstWrongAnswer == nil)
      }
    }
  }

  /// Canaries: each way of answering wrongly, once, at a late operation, must be found and named.
  @Test(arguments: KeyShape.allCases, Falsehood.allCases)
  func oneWrongAnswerIsFound(shape: KeyShape, falsehood: Falsehood) throws {
    for scanOrder in ScanOrder.allCases {
      let workload = try makeWorkload(records: 200, shape: shape, sizes: .uniform(16...60))
      var trial = Trial(workload)
      try trial.run(load(workload), batch: 10)
      var phase = everythingPhase(2000)
      phase.scanOrder = scanOrder
      try trial.run(phase, batch: 10)
      #expect(trial.checker.wrongAnswerCount == 0)
      var told = 0
      try trial.run(phase, batch: 10) { answer, operation in
        if told == 0, falsehood.tell(&answer, operation, workload) { told += 1 }
      }
      #expect(told == 1)
      #expect(trial.checker.wrongAnswerCount == 1, "\(falsehood)")
      let wrong = try #require(trial.checker.firstWrongAnswer)
      #expect(wrong.phase == "mixed" && wrong.description.contains("expected"))
    }
  }

  enum Falsehood: CaseIterable, Sendable {
    case flippedBit, olderVersion, otherKey, lostKey, resurrectedKey, inventedKey
    case scanSkipsFirst, scanSkipsLast, scanSkipsMiddle, scanRepeats, scanSwaps, scanFlipsBit, scanInvents,
      scanIsEmpty

    /// Changes the answer when it can; false otherwise.
    func tell(
      _ answer: inout [(key: [UInt8], value: [UInt8])], _ operation: Workload.Operation,
      _ workload: WorkloadSpec
    ) -> Bool {
      let isScan = operation.kind == .scan
      let index = operation.keyIndex
      switch self {
      case .flippedBit:
        guard operation.kind == .getHit, !answer.isEmpty, !answer[0].value.isEmpty else { return false }
        answer[0].value[answer[0].value.count / 2] ^= 16
      case .olderVersion:
        guard operation.kind == .getHit, !answer.isEmpty else { return false }
        answer[0].value = workload.values.value(index, 1_000_000)
      case .otherKey:
        guard operation.kind == .getHit, !answer.isEmpty else { return false }
        answer[0].value = workload.values.value(index + 1, 3)
      case .lostKey:
        guard operation.kind == .getHit, !answer.isEmpty else { return false }
        answer = []
      case .resurrectedKey:
        guard operation.kind == .getHit, answer.isEmpty else { return false }
        answer = [(workload.keys.key(index), workload.values.value(index, 1))]
      case .inventedKey:
        guard operation.kind == .getMiss else { return false }
        answer = [(workload.keys.key(index, missing: true), workload.values.value(index, 1))]
      case .scanSkipsFirst:
        guard isScan, answer.count > 1 else { return false }
        answer.removeFirst()
      case .scanSkipsLast:
        guard isScan, !answer.isEmpty else { return false }
        answer.removeLast()
      case .scanSkipsMiddle:
        guard isScan, answer.count > 2 else { return false }
        answer.remove(at: answer.count / 2)
      case .scanRepeats:
        guard isScan, answer.count > 1 else { return false }
        answer[1] = answer[0]
      case .scanSwaps:
        guard isScan, answer.count > 1 else { return false }
        answer.swapAt(0, 1)
      case .scanFlipsBit:
        guard isScan, let last = answer.indices.last, !answer[last].value.isEmpty else { return false }
        answer[last].value[0] ^= 1
      case .scanInvents:
        guard isScan, !answer.isEmpty else { return false }
        answer[0].key = workload.keys.key(operation.keyIndex, missing: true)
      case .scanIsEmpty:
        guard isScan, !answer.isEmpty else { return false }
        answer = []
      }
      return true
    }
  }

  @Test func withoutCheckingOnlyTheStateIsKept() throws {
    let keys = try KeyCodec(seed: 1)
    let workload = WorkloadSpec(
      recordCount: 50, keys: keys, values: ValueCodec(seed: 1), checksAnswers: false, seed: 1)
    var trial = Trial(workload)
    try trial.run(load(workload), batch: 4)
    try trial.run(everythingPhase(500), batch: 4) { answer, _ in answer = [] }
    #expect(trial.checker.checkedAnswerCount == 0 && trial.checker.wrongAnswerCount == 0)
    trial.expectEqualState()
  }

  /// Reads are held against what was applied, not against what was only noted.
  @Test func notedWritesCountOnceApplied() throws {
    let workload = try makeWorkload()
    var checker = AnswerChecker(workload: workload)
    let get = Operation(kind: .getHit, keyIndex: 4)
    checker.note(Operation(kind: .put, keyIndex: 4, version: 9, length: 100))
    checker.checkNotFound(get, ordinal: 0)
    #expect(checker.wrongAnswerCount == 0)
    checker.applied()
    checker.check(workload.values.value(4, 9).span.bytes, for: get, ordinal: 1)
    #expect(checker.wrongAnswerCount == 0)
    checker.checkNotFound(get, ordinal: 2)
    #expect(checker.wrongAnswerCount == 1)
    #expect(checker.firstWrongAnswer?.expected == "the 100-byte value of version 9")
    #expect(checker.firstWrongAnswer?.ordinal == 2)
  }
}
