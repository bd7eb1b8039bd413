// Threads that a file device issues a batch with: the calling thread works too, and returns when all is done.
//
// Invariants
// 1. `run` performs each index once, on some thread, and returns after the last call returned.
// 2. Between runs the threads sleep; they end with the pool.

import Glibc
import Synchronization

/// Independent pieces of work, numbered from 0; each is performed once, on any thread.
protocol ParallelWork: AnyObject {
  func perform(_ index: Int)
}

/// A few waiting threads.
final class WorkerPool {
  /// What threads and pool share; outlives the pool until the last thread has left.
  private final class Shared: @unchecked Sendable {
    // Sendable: every field but `next` is read and written under `mutex`.
    let mutex: UnsafeMutablePointer<pthread_mutex_t>
    let wake: UnsafeMutablePointer<pthread_cond_t>
    let done: UnsafeMutablePointer<pthread_cond_t>
    var work: (any ParallelWork)?
    var count = 0
    var generation: UInt64 = 0
    var busyCount = 0
    var isStopping = false
    let next = Atomic<Int>(0)

    init() {
      mutex = .allocate(capacity: 1)
      wake = .allocate(capacity: 1)
      done = .allocate(capacity: 1)
      pthread_mutex_init(mutex, nil)
      pthread_cond_init(wake, nil)
      pthread_cond_init(done, nil)
    }

    deinit {
      pthread_cond_destroy(wake)
      pthread_cond_destroy(done)
      pthread_mutex_destroy(mutex)
      wake.deallocate()
      done.deallocate()
      mutex.deallocate()
    }

    func perform(_ work: any ParallelWork, _ count: Int) {
      while true {
        let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
        if index >= count { return }
        work.perform(index)
      }
    }

    func runThread() {
      var seen: UInt64 = 0
      while true {
        pthread_mutex_lock(mutex)
        while generation == seen && !isStopping { pthread_cond_wait(wake, mutex) }
        if isStopping {
          pthread_mutex_unlock(mutex)
          return
        }
        seen = generation
        let (work, count) = (self.work, self.count)
        pthread_mutex_unlock(mutex)
        if let work { perform(work, count) }
        pthread_mutex_lock(mutex)
        busyCount -= 1
        if busyCount == 0 { pthread_cond_signal(done) }
        pthread_mutex_unlock(mutex)
      }
    }
  }

  private let shared = Shared()
  private var threads: [pthread_t] = []

  /// A pool of `threadCount` threads beside the caller's; fewer when the system refuses.
  init(threadCount: Int) {
    for _ in 0..<threadCount {
      var thread = pthread_t()
      let argument = Unmanaged.passRetained(shared)
      let result = pthread_create(
        &thread, nil,
        { argument in
          guard let argument else { return nil }
          let shared = Unmanaged<Shared>.fromOpaque(argument).takeRetainedValue()
          shared.runThread()
          return nil
        }, argument.toOpaque())
      if result == 0 {
        threads.append(thread)
      } else {
        argument.release()
      }
    }
  }

  deinit {
    pthread_mutex_lock(shared.mutex)
    shared.isStopping = true
    pthread_cond_broadcast(shared.wake)
    pthread_mutex_unlock(shared.mutex)
    for thread in threads { pthread_join(thread, nil) }
  }

  /// Performs 0 ..< `count` of `work`, several at a time.
  func run(_ work: any ParallelWork, count: Int) {
    pthread_mutex_lock(shared.mutex)
    shared.work = work
    shared.count = count
    shared.next.store(0, ordering: .relaxed)
    shared.busyCount = threads.count
    shared.generation &+= 1
    pthread_cond_broadcast(shared.wake)
    pthread_mutex_unlock(shared.mutex)
    shared.perform(work, count)
    pthread_mutex_lock(shared.mutex)
    while shared.busyCount > 0 { pthread_cond_wait(shared.done, shared.mutex) }
    shared.work = nil
    pthread_mutex_unlock(shared.mutex)
  }
}
