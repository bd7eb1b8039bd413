// Threads that a file device issues a batch with: whoever waits for a batch works on it too.
//
//   start ──▶ job: transfers 0 1 2 … ──▶ threads, each takes the next one      finish: the caller takes some as well, then waits
//
// Invariants
// 1. Each index of a job is performed once, on some thread; after `finish` all of them are.
// 2. The threads serve one job at a time. Between jobs they sleep; they end with the pool.

import Glibc
import Synchronization

/// Independent pieces of work, numbered from 0; each is performed once, on any thread.
protocol ParallelWork: AnyObject {
  func perform(_ index: Int)
}

/// Work that was given to a pool's threads, in parts that are taken one by one.
final class ParallelJob: Sendable {
  private let work: any ParallelWork & Sendable
  private let count: Int
  private let next = Atomic<Int>(0)
  private let done = Atomic<Int>(0)

  init(_ work: any ParallelWork & Sendable, count: Int) {
    self.work = work
    self.count = count
  }

  /// Whether every part was performed.
  var isDone: Bool { done.load(ordering: .acquiring) == count }

  /// Performs parts until none is left to take.
  func takePart() {
    while true {
      let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
      if index >= count { return }
      work.perform(index)
      done.wrappingAdd(1, ordering: .acquiringAndReleasing)
    }
  }
}

/// A few waiting threads.
final class WorkerPool {
  /// What threads and pool share; outlives the pool until the last thread has left.
  private final class Shared: @unchecked Sendable {
    // Sendable: every field is read and written under `mutex`.
    let mutex: UnsafeMutablePointer<pthread_mutex_t>
    let wake: UnsafeMutablePointer<pthread_cond_t>
    let done: UnsafeMutablePointer<pthread_cond_t>
    var job: ParallelJob?
    var generation: UInt64 = 0
    var isStopping = false

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
        let job = self.job
        pthread_mutex_unlock(mutex)
        guard let job else { continue }
        job.takePart()
        if job.isDone { end(job) }
      }
    }

    /// A job of which every part was performed leaves the threads.
    func end(_ ended: ParallelJob) {
      pthread_mutex_lock(mutex)
      if job === ended { job = nil }
      pthread_cond_broadcast(done)
      pthread_mutex_unlock(mutex)
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

  /// Lets the threads begin with 0 ..< `count` of `work`, and does not wait.
  ///
  /// - Returns: nil when they are at work on something else, or there are none; then nothing was begun.
  func start(_ work: any ParallelWork & Sendable, count: Int) -> ParallelJob? {
    if threads.isEmpty || count == 0 { return nil }
    pthread_mutex_lock(shared.mutex)
    defer { pthread_mutex_unlock(shared.mutex) }
    if shared.job != nil { return nil }
    let job = ParallelJob(work, count: count)
    shared.job = job
    shared.generation &+= 1
    pthread_cond_broadcast(shared.wake)
    return job
  }

  /// Works on a job until every part of it was performed.
  func finish(_ job: ParallelJob) {
    job.takePart()
    if job.isDone { return shared.end(job) }
    pthread_mutex_lock(shared.mutex)
    while !job.isDone { pthread_cond_wait(shared.done, shared.mutex) }
    pthread_mutex_unlock(shared.mutex)
  }
}
