// A value behind a lock, and threads to share it with.
//
//   thread ──withLock──▶ ┌───────┐ ◀──withLock── thread          one at a time; who waits gives the lock back meanwhile
//                        │ value │
//                        └───────┘
//
// Invariants
// 1. The value is reached through `withLock` only.
// 2. The lock is the system's, so that the thread sanitizer sees what it orders; the standard library's `Mutex` it does
//    not see.
// 3. A lock is not taken again by the thread that holds it.

import CSystem

/// A value that one thread at a time may use.
///
/// Cost: taking a free lock and giving it back is some 20 ns.
public final class Lock<Value>: @unchecked Sendable {
  // Sendable: the value is reached under the lock only; whoever puts references in answers for what they lead to.

  @usableFromInline let lock: UnsafeMutablePointer<betula_lock>
  @usableFromInline var value: UnsafeMutablePointer<Value>

  /// A lock around `value`.
  public init(_ value: Value) {
    lock = .allocate(capacity: 1)
    lock.initialize(to: betula_lock())
    betula_lock_init(lock)
    self.value = .allocate(capacity: 1)
    self.value.initialize(to: value)
  }

  deinit {
    value.deinitialize(count: 1)
    value.deallocate()
    betula_lock_destroy(lock)
    lock.deallocate()
  }

  /// Calls `body` with the value while no other thread has it.
  @inlinable @inline(__always)
  public func withLock<Result, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    betula_lock_acquire(lock)
    defer { betula_lock_release(lock) }
    return try body(&value.pointee)
  }

  /// As `withLock`, once `condition` holds; the lock is given back while it does not, and the question asked again
  /// whenever another thread calls `wakeAll`.
  @inlinable
  public func withLock<Result>(
    when condition: (Value) -> Bool, _ body: (inout Value) -> Result
  ) -> Result {
    betula_lock_acquire(lock)
    defer { betula_lock_release(lock) }
    while !condition(value.pointee) { betula_lock_wait(lock) }
    return body(&value.pointee)
  }

  /// Wakes every thread that waits; after a change of the value, outside of `withLock` or inside.
  @inlinable public func wakeAll() { betula_lock_wake(lock) }
}

/// Something handed from thread to thread by whoever knows that no two use it at once.
public struct HandedOver<Value>: @unchecked Sendable {
  // Sendable: the maker of the value keeps the rule above.

  /// What is handed over.
  public let value: Value

  /// A value for another thread.
  @inlinable public init(_ value: Value) { self.value = value }
}

/// Threads of the system's.
public enum Threads {
  private final class Work {
    let number: Int
    let body: @Sendable (Int) -> Void

    init(_ number: Int, _ body: @escaping @Sendable (Int) -> Void) {
      self.number = number
      self.body = body
    }
  }

  /// Runs `body(0)` … `body(count − 1)`, each on a thread of its own, and returns when all have.
  ///
  /// - Returns: how many threads the system gave; the bodies of the others were run one after the other by the caller.
  @discardableResult
  public static func run(_ count: Int, _ body: @escaping @Sendable (_ number: Int) -> Void) -> Int {
    var threads: [UInt64] = []
    var unstarted: [Int] = []
    for number in 0..<count {
      let work = Unmanaged.passRetained(Work(number, body))
      var thread: UInt64 = 0
      let result = betula_start_thread(
        &thread,
        { context in
          guard let context else { return nil }
          let work = Unmanaged<Work>.fromOpaque(context).takeRetainedValue()
          work.body(work.number)
          return nil
        }, work.toOpaque())
      if result == 0 {
        threads.append(thread)
      } else {
        work.release()
        unstarted.append(number)
      }
    }
    for number in unstarted { body(number) }
    for thread in threads { betula_join_thread(thread) }
    return threads.count
  }

  /// Lets other threads run first.
  public static func yield() { betula_yield_thread() }

  /// Whether this build is watched by the thread sanitizer.
  public static var areSanitized: Bool { betula_is_thread_sanitized() != 0 }
}
