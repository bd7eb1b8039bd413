// Goal: the search for an order of a history finds one exactly when there is one, and the concurrency suite notices readers
// that are wrong.
// Method: random small histories against trying every permutation; histories written by hand; the recorder and the trial on a
// right model under many seeds, and on models with one fault each, which must be caught within a bounded number of rounds.

import KeyValue
import Primitives
import Testing

private typealias Entry = HistoryOperation.Entry

/// Whether some permutation explains the history: the definition, word for word.
private func bruteForce(_ operations: [HistoryOperation]) -> Bool {
  func extend(_ state: [Int: Int], _ left: [HistoryOperation]) -> Bool {
    if left.isEmpty { return true }
    for (index, operation) in left.enumerated() {
      if left.contains(where: { $0.end < operation.begin }) { continue }
      var next = state
      switch operation.kind {
      case .apply(let entries): for entry in entries { next[entry.key] = entry.value }
      case .get(let entry): if state[entry.key] != entry.value { continue }
      case .readAll(let entries):
        if entries != state.sorted(by: { $0.key < $1.key }).map({ Entry($0.key, $0.value) }) { continue }
      }
      var rest = left
      rest.remove(at: index)
      if extend(next, rest) { return true }
    }
    return false
  }
  return extend([:], operations)
}

/// A history of up to six requests on two keys, answers drawn from what was put.
private func randomHistory(_ seed: UInt64) -> [HistoryOperation] {
  let random = CounterRandom(seed: seed, stream: 7)
  var draws: UInt64 = 0
  func draw(_ bound: UInt64) -> Int {
    draws += 1
    return Int((random.draw(draws) >> 16) % bound)
  }
  return (0..<(3 + draw(4))).map { _ in
    let begin = UInt64(draw(12))
    let end = begin + 1 + UInt64(draw(5))
    let value: Int? = draw(4) == 0 ? nil : 1 + draw(2)
    switch draw(3) {
    case 0: return HistoryOperation(.get(Entry(draw(2), value)), begin: begin, end: end)
    case 1:
      let entries = [Entry(0, value), Entry(1, draw(2) == 0 ? value : nil)].filter { $0.value != nil }
      return HistoryOperation(.readAll(entries), begin: begin, end: end)
    default:
      let both = [Entry(0, value), Entry(1, value)]
      return HistoryOperation(.apply(draw(2) == 0 ? both : [both[draw(2)]]), begin: begin, end: end)
    }
  }
}

@Suite struct ConcurrencyTests {
  @Test func searchAgreesWithEveryPermutation() {
    var counts = [0, 0]
    for seed in 0..<20_000 as Range<UInt64> {
      let operations = randomHistory(seed)
      let expected = bruteForce(operations)
      counts[expected ? 1 : 0] += 1
      #expect(History(operations).isLinearizable() == expected, "seed \(seed): \(operations)")
    }
    // Both answers occur often.
    #expect(counts[0] > 1_000 && counts[1] > 1_000, "\(counts)")
  }

  @Test func historiesByHand() {
    let put1 = HistoryOperation(.apply([Entry(0, 1), Entry(1, 1)]), begin: 1, end: 2)
    let put2 = HistoryOperation(.apply([Entry(0, 2), Entry(1, 2)]), begin: 5, end: 9)
    func get(_ key: Int, _ value: Int?, _ begin: UInt64, _ end: UInt64) -> HistoryOperation {
      HistoryOperation(.get(Entry(key, value)), begin: begin, end: end)
    }
    #expect(History([]).isLinearizable())
    #expect(History([put1, put2, get(0, 1, 3, 4), get(0, 2, 10, 11)]).isLinearizable())
    // Overlapping reads may see either; once seen, the new value stays.
    #expect(History([put1, put2, get(0, 1, 6, 7), get(1, 2, 8, 10)]).isLinearizable())
    #expect(!History([put1, put2, get(0, 2, 6, 7), get(1, 1, 8, 10)]).isLinearizable())
    // Stale, from the future, from nowhere, torn.
    #expect(!History([put1, put2, get(0, 1, 10, 11)]).isLinearizable())
    #expect(!History([put1, put2, get(0, 2, 3, 4)]).isLinearizable())
    #expect(!History([put1, get(0, 3, 3, 4)]).isLinearizable())
    let torn = HistoryOperation(.readAll([Entry(0, 2), Entry(1, 1)]), begin: 6, end: 8)
    #expect(!History([put1, put2, torn]).isLinearizable())
  }

  @Test func largestHistoryIsSearched() {
    // 64 requests one after the other, then 20 at once, of which only one order is right.
    let chain = (0..<63).map {
      HistoryOperation(.apply([Entry($0 % 3, $0)]), begin: UInt64(2 * $0), end: UInt64(2 * $0 + 1))
    }
    let last = HistoryOperation(.get(Entry(2, 62)), begin: 200, end: 201)
    #expect(History(chain + [last]).isLinearizable())
    let wide = (0..<12).map { HistoryOperation(.apply([Entry(0, $0)]), begin: 0, end: 100) }
    let seen = (0..<12).map {
      HistoryOperation(.get(Entry(0, 11 - $0)), begin: 101 + UInt64(2 * $0), end: 102 + UInt64(2 * $0))
    }
    #expect(History(wide + [seen[0]]).isLinearizable())
    #expect(!History(wide + seen).isLinearizable())
  }

  @Test(arguments: 1...40 as ClosedRange<UInt64>)
  func rightReadersPass(seed: UInt64) throws {
    let history = try HistoryRecorder.record(FaultyReaders(nil), seed: seed, readerCount: 3)
    #expect(history.operations.count == 8 + 3 * 6)
    #expect(history.isLinearizable(), "seed \(seed): \(history)")
  }

  @Test(arguments: ReaderFault.allCases)
  func faultsAreCaughtByHistories(fault: ReaderFault) throws {
    let caught = try (1...2_000 as ClosedRange<UInt64>).first { seed in
      let history = try HistoryRecorder.record(FaultyReaders(fault), seed: seed, readerCount: 2)
      return !history.isLinearizable()
    }
    #expect(caught != nil, "no history showed \(fault.rawValue)")
  }

  @Test(arguments: [nil, .tornBatch, .movingSnapshot] as [ReaderFault?])
  func trialNoticesTornAndMovingReads(fault: ReaderFault?) throws {
    var trial = ReadersTrial(seed: 1)
    trial.readerCount = 3
    trial.groupCount = 6
    trial.groupsPerBatch = 4
    trial.batchCount = 60
    var problems: [String] = []
    for seed in 1...(fault == nil ? 5 : 100) as ClosedRange<UInt64> where problems.isEmpty {
      trial.seed = seed
      problems = try trial.run(FaultyReaders(fault)).problems
    }
    #expect(problems.isEmpty == (fault == nil), "\(problems)")
  }

  @Test func onlyDeclaredReadersHaveASource() throws {
    #expect(ReferenceModel().readerSource == nil)
    let engine = FaultyReaders(nil)
    let source = try #require(engine.readerSource)
    var batch = WriteBatch()
    batch.put([1], [2])
    try engine.apply(batch, sync: false)
    let found = Lock(0)
    Threads.run(3) { _ in
      do throws(EngineError) {
        let view = try source.makeSnapshot()
        let key: [UInt8] = [1]
        if try view.get(key.span.bytes, { _ in }) { found.withLock { $0 += 1 } }
      } catch {
        Issue.record("\(error)")
      }
    }
    #expect(found.withLock { $0 } == 3)
  }
}
