// Small histories of real threads: one writes batches, the others make snapshots and read them.
//
// Invariants
// 1. Beginnings and ends are drawn from one atomic counter: who ended before another began has the smaller number.
// 2. What each thread does is drawn from the seed; how the threads fall together is not.

import Primitives
import Synchronization

/// How the requests of a history are made of an engine: its keys and values are small numbers. The dictionary is whatever the
/// two sides agree on: an engine's own keys, or keys spread over its buckets.
public protocol HistoryDictionary: Sendable {
  /// Makes writes visible together; a nil value deletes. The writer's thread.
  func apply(_ entries: [HistoryOperation.Entry], to engine: any Engine, sync: Bool) throws(EngineError)
  /// The value of a key, nil for none, −1 for bytes that nobody put.
  func value(of key: Int, in view: any ReadView) throws(EngineError) -> Int?
  /// All present entries in order of keys.
  func entries(in view: any ReadView) throws(EngineError) -> [HistoryOperation.Entry]
}

/// An engine's own keys, written in batches.
public struct PlainDictionary: HistoryDictionary {
  /// The dictionary.
  public init() {}

  /// The bytes of a key.
  public static func bytes(ofKey key: Int) -> [UInt8] { [UInt8(key)] }

  /// The bytes of a value.
  public static func bytes(ofValue value: Int) -> [UInt8] { [UInt8](repeating: UInt8(value), count: 9) }

  /// The number that bytes stand for; −1 for bytes that nobody put.
  public static func number(ofValue bytes: RawSpan) -> Int {
    bytes.withUnsafeBytes { bytes in
      guard bytes.count == 9, bytes.allSatisfy({ $0 == bytes[0] }) else { return -1 }
      return Int(bytes[0])
    }
  }

  /// The number that a key stands for, −1 for none that was put.
  public static func number(ofKey bytes: RawSpan) -> Int {
    bytes.withUnsafeBytes { $0.count == 1 ? Int($0[0]) : -1 }
  }

  /// As one batch.
  public func apply(
    _ entries: [HistoryOperation.Entry], to engine: any Engine, sync: Bool
  ) throws(EngineError) {
    var batch = WriteBatch()
    for entry in entries {
      if let value = entry.value {
        batch.put(Self.bytes(ofKey: entry.key), Self.bytes(ofValue: value))
      } else {
        batch.delete(Self.bytes(ofKey: entry.key))
      }
    }
    try engine.apply(batch, sync: sync)
  }

  /// By one get.
  public func value(of key: Int, in view: any ReadView) throws(EngineError) -> Int? {
    var value: Int?
    let bytes = Self.bytes(ofKey: key)
    _ = try view.get(bytes.span.bytes) { value = Self.number(ofValue: $0) }
    return value
  }

  /// By one cursor.
  public func entries(in view: any ReadView) throws(EngineError) -> [HistoryOperation.Entry] {
    var entries: [HistoryOperation.Entry] = []
    let cursor = try view.makeCursor(.all, .forward)
    while try cursor.next() {
      cursor.withCurrent { key, value in
        entries.append(.init(Self.number(ofKey: key), Self.number(ofValue: value)))
      }
    }
    return entries
  }
}

/// Records what threads see of an engine.
public enum HistoryRecorder {
  /// Runs `readerCount` threads beside the writer on an engine that holds nothing but what this history puts.
  ///
  /// - Parameters:
  ///   - keyCount: keys 0 ..< `keyCount`, at most 256; few keys make conflicts.
  ///   - batchCount: what the writer applies.
  ///   - readsPerReader: snapshots a reader makes, each read as a whole or by one key.
  ///   - dictionary: how requests are made.
  /// Precondition: at most 64 requests in all; the engine declares concurrent readers.
  /// - Throws: the first error of any thread.
  public static func record(
    _ engine: any Engine, seed: UInt64, readerCount: Int, keyCount: Int = 4, batchCount: Int = 8,
    readsPerReader: Int = 6, dictionary: some HistoryDictionary = PlainDictionary()
  ) throws(EngineError) -> History {
    guard let source = engine.readerSource else {
      preconditionFailure("Only engines that declare concurrent readers are read by several threads.")
    }
    let clock = ClockReference()
    let writer = HandedOver(engine)
    let results = Lock<(operations: [HistoryOperation], failure: EngineError?)>(([], nil))
    Threads.run(readerCount + 1) { number in
      let random = CounterRandom(seed: seed, stream: UInt64(number))
      do throws(EngineError) {
        let made =
          number == 0
          ? try write(writer.value, clock, random, keyCount, batchCount, dictionary)
          : try read(source, clock, random, keyCount, readsPerReader, dictionary)
        results.withLock { $0.operations += made }
      } catch {
        let problem = error
        results.withLock { if $0.failure == nil { $0.failure = problem } }
      }
    }
    let (operations, failure) = results.withLock { $0 }
    if let failure { throw failure }
    return History(operations)
  }

  /// The clock of a history.
  private final class ClockReference: Sendable {
    private let ticks = Atomic<UInt64>(1)
    func now() -> UInt64 { ticks.wrappingAdd(1, ordering: .sequentiallyConsistent).newValue }
  }

  private static func write(
    _ engine: any Engine, _ clock: ClockReference, _ random: CounterRandom, _ keyCount: Int,
    _ batchCount: Int,
    _ dictionary: some HistoryDictionary
  ) throws(EngineError) -> [HistoryOperation] {
    var result: [HistoryOperation] = []
    for number in 0..<batchCount {
      var entries: [HistoryOperation.Entry] = []
      for key in 0..<keyCount {
        let draw = random.draw(UInt64(number * keyCount + key)) >> 33
        if draw % 3 == 0 { continue }
        entries.append(.init(key, draw % 5 == 0 ? nil : number + 1))
      }
      let begin = clock.now()
      try dictionary.apply(entries, to: engine, sync: draw(random, number) % 4 == 0)
      result.append(HistoryOperation(.apply(entries), begin: begin, end: clock.now()))
      if draw(random, number) % 3 == 0 { Threads.yield() }
    }
    return result
  }

  private static func draw(_ random: CounterRandom, _ number: Int) -> UInt64 {
    random.draw(1 << 32 | UInt64(number)) >> 40
  }

  private static func read(
    _ source: ReaderSource, _ clock: ClockReference, _ random: CounterRandom, _ keyCount: Int, _ count: Int,
    _ dictionary: some HistoryDictionary
  ) throws(EngineError) -> [HistoryOperation] {
    var result: [HistoryOperation] = []
    for number in 0..<count {
      let begin = clock.now()
      let view = try source.makeSnapshot()
      if draw(random, number) % 2 == 0 {
        // Made now, read later: a snapshot shows its moment.
        let end = clock.now()
        Threads.yield()
        result.append(HistoryOperation(.readAll(try dictionary.entries(in: view)), begin: begin, end: end))
      } else {
        let key = Int(draw(random, number) >> 4) % keyCount
        let value = try dictionary.value(of: key, in: view)
        result.append(HistoryOperation(.get(.init(key, value)), begin: begin, end: clock.now()))
      }
    }
    return result
  }
}
