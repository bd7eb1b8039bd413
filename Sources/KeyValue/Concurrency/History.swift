// What several threads asked of one dictionary and were told, and whether some order of the requests explains it.
//
//   time ─▶   1    2    3    4    5    6    7
//   writer    ├─ put a=1 ─┤    ├─ put a=2 ──┤
//   reader         ├─ sees a=1 ─┤                    explained by: put a=1, sees a=1, put a=2
//   reader                             ├─ a=1 ┤      explained too: it overlaps the second put
//
// A history is linearizable when every request can be given one moment between its beginning and its end such that, in the
// order of these moments, each was answered as a dictionary would.
//
// Invariants
// 1. The search is exhaustive: "no" means that no order exists.
// 2. Its cost grows with the requests that overlap; histories have at most 64.
//
// Source: J. M. Wing, C. Gong, "Testing and Verifying Concurrent Objects", JPDC 17, 1993, section 4; with the cache of
// visited states of G. Lowe, "Testing for Linearizability", CCPE 29(4), 2017, section 3.

/// One request with its beginning and its end on a clock that all threads share.
public struct HistoryOperation: Equatable, Sendable {
  /// A key and its value; nil for absent.
  public struct Entry: Hashable, Sendable {
    /// The key's number.
    public var key: Int
    /// The value's number, nil for none.
    public var value: Int?
    /// An entry.
    public init(_ key: Int, _ value: Int?) {
      self.key = key
      self.value = value
    }
  }

  /// What was asked and answered.
  public enum Kind: Equatable, Sendable {
    /// Writes that are visible together; a nil value deletes.
    case apply([Entry])
    /// One key was read.
    case get(Entry)
    /// Everything was read: the present entries in order of keys.
    case readAll([Entry])
  }

  /// What was asked and answered.
  public var kind: Kind
  /// The moment before the request was made.
  public var begin: UInt64
  /// The moment after it was answered.
  public var end: UInt64

  /// A request.
  public init(_ kind: Kind, begin: UInt64, end: UInt64) {
    precondition(begin < end, "A request begins before it ends.")
    self.kind = kind
    self.begin = begin
    self.end = end
  }
}

/// Requests of all threads.
public struct History: Equatable, Sendable {
  /// In any order; at most 64.
  public var operations: [HistoryOperation]

  /// A history.
  public init(_ operations: [HistoryOperation]) {
    precondition(operations.count <= 64, "An exhaustive search takes at most 64 requests.")
    self.operations = operations.sorted { ($0.begin, $0.end) < ($1.begin, $1.end) }
  }

  private struct Place: Hashable {
    var done: UInt64
    var state: [HistoryOperation.Entry]
  }

  /// Whether some order explains every answer, beginning with an empty dictionary.
  ///
  /// Cost: exponential in the number of requests that overlap, linear in the others.
  public func isLinearizable() -> Bool {
    let all: UInt64 = operations.count == 64 ? .max : (1 << UInt64(operations.count)) - 1
    var visited: Set<Place> = []
    var stack = [Place(done: 0, state: [])]
    while let place = stack.popLast() {
      if place.done == all { return true }
      if !visited.insert(place).inserted { continue }
      var earliestEnd = UInt64.max
      for (index, operation) in operations.enumerated() where place.done >> UInt64(index) & 1 == 0 {
        earliestEnd = min(earliestEnd, operation.end)
      }
      for (index, operation) in operations.enumerated() where place.done >> UInt64(index) & 1 == 0 {
        // Who begins after somebody else has ended comes after that one.
        if operation.begin > earliestEnd { break }
        if let state = Self.perform(operation.kind, on: place.state) {
          stack.append(Place(done: place.done | 1 << UInt64(index), state: state))
        }
      }
    }
    return false
  }

  /// The state after a request, nil when the dictionary would have answered otherwise.
  private static func perform(
    _ kind: HistoryOperation.Kind, on state: [HistoryOperation.Entry]
  ) -> [HistoryOperation.Entry]? {
    switch kind {
    case .readAll(let entries): return entries == state ? state : nil
    case .get(let entry): return state.first { $0.key == entry.key }?.value == entry.value ? state : nil
    case .apply(let entries):
      var result = state
      for entry in entries {
        result.removeAll { $0.key == entry.key }
        if entry.value != nil { result.append(entry) }
      }
      return result.sorted { $0.key < $1.key }
    }
  }
}
