// The memory budget: a number an engine must keep, with named accounts.
//
// Invariants
// 1. Σ accounts ≤ limit, always. A reservation that would break this fails, and the engine evicts, spills, stalls
//    or refuses; nothing is taken silently.
// 2. Every reservation is released by whoever made it; at close all accounts are zero.

import Primitives

/// What memory is held for.
public enum MemoryAccount: Int, CaseIterable, Sendable {
  case frames, dirty, memtable, filter, index, logBuffer, mergeScratch, directory, snapshot, guest

  /// The name used in records.
  public var name: String {
    switch self {
    case .frames: "frames"
    case .dirty: "dirty"
    case .memtable: "memtable"
    case .filter: "filter"
    case .index: "index"
    case .logBuffer: "log_buffer"
    case .mergeScratch: "merge_scratch"
    case .directory: "directory"
    case .snapshot: "snapshot"
    case .guest: "guest"
    }
  }
}

/// The budget of one engine. Any thread may reserve and release.
public final class MemoryBudget: Sendable {
  private struct State {
    var heldByteCount = 0
    var peakByteCount = 0
    var accounts = ContiguousArray<Int>(repeating: 0, count: MemoryAccount.allCases.count)
    var peaks = ContiguousArray<Int>(repeating: 0, count: MemoryAccount.allCases.count)

    mutating func take(_ byteCount: Int, _ account: MemoryAccount) {
      heldByteCount += byteCount
      peakByteCount = max(peakByteCount, heldByteCount)
      accounts[account.rawValue] += byteCount
      peaks[account.rawValue] = max(peaks[account.rawValue], accounts[account.rawValue])
    }

    mutating func giveBack(_ byteCount: Int, _ account: MemoryAccount) {
      precondition(
        byteCount >= 0 && accounts[account.rawValue] >= byteCount,
        "Account '\(account.name)' releases no more than it holds.")
      accounts[account.rawValue] -= byteCount
      heldByteCount -= byteCount
    }
  }

  /// The limit in bytes.
  public let limitByteCount: Int
  private let state: Lock<State>

  /// Bytes held now.
  public var heldByteCount: Int { state.withLock { $0.heldByteCount } }
  /// The largest `heldByteCount` seen since `resetPeak`.
  public var peakByteCount: Int { state.withLock { $0.peakByteCount } }

  /// A budget of `limitByteCount` bytes.
  public init(limitByteCount: Int) {
    precondition(limitByteCount > 0, "A memory budget is at least one byte.")
    self.limitByteCount = limitByteCount
    state = Lock(State())
  }

  /// A budget that goes on where `original` stands: what it holds, and its peaks.
  public init(continuing original: MemoryBudget) {
    limitByteCount = original.limitByteCount
    state = Lock(original.state.withLock { $0 })
  }

  /// Bytes that can still be reserved.
  public var availableByteCount: Int { limitByteCount - heldByteCount }

  /// Takes `byteCount` bytes for `account`.
  ///
  /// - Returns: false, and nothing taken, when the limit would be passed.
  public func reserve(_ byteCount: Int, for account: MemoryAccount) -> Bool {
    precondition(byteCount >= 0, "A reservation is not negative.")
    return state.withLock { state in
      guard byteCount <= limitByteCount - state.heldByteCount else { return false }
      state.take(byteCount, account)
      return true
    }
  }

  /// Takes `byteCount` bytes or throws `.outOfBudget`.
  public func require(_ byteCount: Int, for account: MemoryAccount) throws(StorageError) {
    guard reserve(byteCount, for: account) else {
      throw .outOfBudget(
        account: account.name, requestedByteCount: byteCount, availableByteCount: availableByteCount)
    }
  }

  /// Gives bytes back.
  public func release(_ byteCount: Int, for account: MemoryAccount) {
    state.withLock { $0.giveBack(byteCount, account) }
  }

  /// Moves held bytes to another account: a memtable becomes scratch, a clean frame dirty. The sum stays.
  public func move(_ byteCount: Int, from source: MemoryAccount, to target: MemoryAccount) {
    state.withLock { state in
      state.giveBack(byteCount, source)
      state.take(byteCount, target)
    }
  }

  /// Whether every account is zero, as it must be at close.
  public var isEmpty: Bool { heldByteCount == 0 }

  /// The non-zero accounts with their peaks, in a fixed order: for records.
  public var peakRows: [(account: MemoryAccount, byteCount: Int)] {
    let peaks = state.withLock { $0.peaks }
    return MemoryAccount.allCases.compactMap { peaks[$0.rawValue] > 0 ? ($0, peaks[$0.rawValue]) : nil }
  }

  /// Bytes held by one account.
  public func held(by account: MemoryAccount) -> Int { state.withLock { $0.accounts[account.rawValue] } }

  /// The largest value of one account since `resetPeak`.
  public func peak(of account: MemoryAccount) -> Int { state.withLock { $0.peaks[account.rawValue] } }

  /// Begins a new observation window (a phase).
  public func resetPeak() {
    state.withLock { state in
      state.peakByteCount = state.heldByteCount
      state.peaks = state.accounts
    }
  }
}

extension MemoryBudget {
  /// Holds the rule that a closed engine has released everything it reserved.
  ///
  /// - Throws: `.outOfBudget` naming the first account that still holds bytes.
  public func requireReleased() throws(StorageError) {
    for account in MemoryAccount.allCases where held(by: account) > 0 {
      throw .outOfBudget(
        account: account.name, requestedByteCount: -held(by: account), availableByteCount: availableByteCount)
    }
  }
}
