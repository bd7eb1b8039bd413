// Goal (scan_start): a scan that begins at the first key sees every live key there is when it begins, in either direction and
// for every shape of keys; nothing else of the stream changes.
// Method: streams of puts, deletes and scans against a naive dictionary, each scan's answer counted and checked; the same
// stream with drawn starts, operation by operation; a canary: a scan that begins one key late is found.

import KeyValue
import Primitives
import Testing

@testable import Workload

@Suite struct FullScanTests {
  private func phase(_ operations: [DataPhase.WeightedOperation], _ order: ScanOrder, _ start: ScanStart)
    -> DataPhase
  {
    var phase = DataPhase(
      content: .operations(operations), operationCount: 500, scanEntryCount: 5_000, scanOrder: order)
    phase.scanStart = start
    return phase
  }

  /// Runs a load and a phase; `skip` is how many of the first entries each scan leaves out.
  private func check(
    _ workload: WorkloadSpec, _ phase: DataPhase, skip: Int = 0
  ) throws -> (full: Int, scans: Int, wrong: UInt64) {
    var checker = AnswerChecker(workload: workload)
    var dictionary = NaiveDictionary()
    var position = StreamPosition()
    var tally = (full: 0, scans: 0, wrong: UInt64(0))
    let load = DataPhase(
      kind: "load", content: .load(random: true), operationCount: workload.recordCount)
    for (number, phase) in [load, phase].enumerated() {
      var stream = try OperationStream(
        phase: phase, phaseOrdinal: number, workload: workload, position: position)
      var encoder = OperationEncoder(workload: workload)
      var operation = Operation()
      while stream.next(&operation) {
        if operation.kind.isWrite {
          var batch = WriteBatch()
          encoder.append(operation, to: &batch)
          checker.note(operation)
          dictionary.apply(batch)
          checker.applied()
        } else {
          let key = Array(encoder.key(of: operation))
          let answer = dictionary.scan(key, count: Int(operation.length), order: phase.scanOrder)
          checker.beginScan(operation, ordinal: 0, order: phase.scanOrder)
          for entry in answer.dropFirst(skip) {
            checker.checkEntry(key: entry.key.span.bytes, value: entry.value.span.bytes)
          }
          checker.endScan()
          tally.scans += 1
          tally.full += answer.count == dictionary.entries.count ? 1 : 0
        }
      }
      position = stream.position
    }
    tally.wrong = checker.wrongAnswerCount
    return tally
  }

  @Test(arguments: KeyShape.allCases, ScanOrder.allCases)
  func everyScanSeesEverything(shape: KeyShape, order: ScanOrder) throws {
    let workload = try makeWorkload(records: 200, shape: shape)
    let operations: [DataPhase.WeightedOperation] = [
      .init(.put, weight: 2), .init(.delete), .init(.scan, weight: 2),
    ]
    let first = try check(workload, phase(operations, order, .first))
    #expect(first.scans > 150 && first.full == first.scans && first.wrong == 0)
    let drawn = try check(workload, phase(operations, order, .drawn))
    #expect(drawn.full < drawn.scans / 4 && drawn.wrong == 0)
    // Canary.
    #expect(try check(workload, phase(operations, order, .first), skip: 1).wrong > 150)
  }

  @Test(arguments: ScanOrder.allCases) func nothingElseOfTheStreamChanges(order: ScanOrder) throws {
    let workload = try makeWorkload(records: 500)
    let position = StreamPosition(nextKeyIndex: 500, nextVersion: 501)
    let operations: [DataPhase.WeightedOperation] = [
      .init(.put), .init(.getHit), .init(.scan), .init(.overwrite), .init(.rangeDelete),
    ]
    var streams = try [ScanStart.drawn, .first].map { start in
      try OperationStream(
        phase: phase(operations, order, start), phaseOrdinal: 3, workload: workload, position: position)
    }
    var (drawn, first) = (Operation(), Operation())
    var scans = 0
    while streams[0].next(&drawn) {
      let isThere = streams[1].next(&first)
      #expect(isThere)
      if drawn.kind == .scan {
        scans += 1
        first.keyIndex = drawn.keyIndex
      }
      #expect(drawn == first)
    }
    #expect(scans > 60 && streams[0].position == streams[1].position)
  }
}
