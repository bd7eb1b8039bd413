// Goal: the room's expectations and the engine contract say the same: the reference model, driven as a runner drives an
// engine, gives no wrong answer, and its contents are what the key state expects.
// Method: every operation, every key shape, both scan orders, a tight value limit so that appends are refused.

import KeyValue
import Primitives
import Testing

@testable import Workload

@Suite struct ReferenceModelTests {
  @Test(arguments: KeyShape.allCases, ScanOrder.allCases)
  func referenceModelGivesNoWrongAnswer(shape: KeyShape, scanOrder: ScanOrder) throws {
    let workload = try makeWorkload(records: 400, shape: shape, sizes: .uniform(0...60), seed: 17)
    var limits = ReferenceModel.defaultLimits
    limits.maximumValueByteCount = 80
    let engine = ReferenceModel(limits: limits)
    var checker = AnswerChecker(workload: workload, maximumValueByteCount: 80)
    var position = StreamPosition()
    var mixed = everythingPhase(4000, distribution: "zipf")
    mixed.scanOrder = scanOrder
    let load = DataPhase(kind: "load", content: .load(random: true), operationCount: 400)
    for (ordinal, phase) in [load, mixed, mixed].enumerated() {
      var stream = try OperationStream(
        phase: phase, phaseOrdinal: ordinal, workload: workload, position: position)
      try drive(engine, &stream, &checker, workload, scanOrder)
      position = stream.position
    }
    #expect(checker.firstWrongAnswer == nil, "\(checker.firstWrongAnswer?.description ?? "")")
    #expect(checker.checkedAnswerCount > 1000)

    var found: UInt64 = 0
    for index in 0..<position.nextKeyIndex {
      let value = try engine.value(for: workload.keys.key(index))
      #expect(value == checker.state.expectedValue(index))
      found += value == nil ? 0 : 1
    }
    let entries = try engine.entries()
    #expect(found == UInt64(entries.count) && found == checker.state.liveKeyCount)
    let bytes = entries.reduce(0) { $0 + $1.key.count + $1.value.count }
    #expect(checker.state.liveLogicalByteCount == UInt64(bytes))
  }

  private func drive(
    _ engine: ReferenceModel, _ stream: inout OperationStream, _ checker: inout AnswerChecker,
    _ workload: WorkloadSpec, _ scanOrder: ScanOrder
  ) throws {
    var encoder = OperationEncoder(workload: workload)
    var batch = WriteBatch()
    var operation = Operation()
    while stream.next(&operation) {
      let ordinal = stream.ordinal - 1
      if operation.kind.isWrite {
        encoder.append(operation, to: &batch)
        checker.note(operation)
        if batch.count == 20 {
          try engine.apply(batch, sync: false)
          checker.applied()
          batch.removeAll()
        }
      } else if operation.kind == .scan {
        let cursor = try engine.makeCursor(.all, scanOrder)
        try cursor.seek(to: encoder.key(of: operation).bytes)
        checker.beginScan(operation, ordinal: ordinal, order: scanOrder)
        var rest = operation.length
        while rest > 0, try cursor.next() {
          cursor.withCurrent { checker.checkEntry(key: $0, value: $1) }
          rest -= 1
        }
        checker.endScan()
      } else {
        let isFound = try engine.get(encoder.key(of: operation).bytes) {
          checker.check($0, for: operation, ordinal: ordinal)
        }
        if !isFound { checker.checkNotFound(operation, ordinal: ordinal) }
      }
    }
    try engine.apply(batch, sync: false)
    checker.applied()
  }
}
