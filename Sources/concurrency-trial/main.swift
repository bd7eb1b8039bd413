// Readers and a writer on the B-tree, for builds that are watched by the thread sanitizer: real threads, memory and file devices, a
// cache of a few hundred pages, so that hits, misses, evictions, copies and released snapshots all happen at once; batches, transactions
// over buckets, a bulk load; gets, batched gets and scans, of the engine's own keys and of bucket snapshots.
//
//   Scripts/sanitize          builds this program with the sanitizer and runs it; a race ends it with status 66
//
// Arguments: the first seed (default 1) and how many rounds (default 3); or --canary, a race on purpose, which must be noticed.

import Accounting
import BTree
import EngineCatalogue
import KeyValue
import Primitives
import Storage

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// A trial that cannot be run as asked.
struct TrialError: Error {
  var sentence: String
}

/// The file of file devices, in the working folder.
let devicePath = ".concurrency-trial.device"

/// An empty tree on a device of its own.
func makeTree(seed: UInt64, shards: Int, commit: String, isFile: Bool) throws -> any Engine {
  guard let entry = engineEntry(named: "btree") else {
    throw TrialError(sentence: "The catalogue has no B-tree.")
  }
  var description = DeviceDescription()
  description.capacityByteCount = 256 << 20
  if isFile { description.base = .file(path: devicePath, mode: .buffered) }
  let stack = try DeviceStack(description)
  var parameters = entry.defaultParameters
  parameters["cache_shards"] = .integer(shards)
  parameters["commit"] = .text(commit)
  let environment = EngineEnvironment(
    channel: stack.makeChannel(), budget: MemoryBudget(limitByteCount: 2 << 20), seed: seed, creates: true,
    syncEveryCommits: 0)
  return try entry.open(environment, parameters)
}

/// Two threads change a word that nothing protects: a sanitizer that is awake ends this with its own status.
func raceOnPurpose() -> Int {
  let word = UnsafeMutablePointer<Int>.allocate(capacity: 1)
  word.initialize(to: 0)
  let shared = HandedOver(word)
  Threads.run(2) { number in
    for step in 0..<10_000 { shared.value.pointee &+= number &+ step }
  }
  let result = word.pointee
  word.deallocate()
  return result
}

if CommandLine.arguments.contains("--canary") {
  print("a race on purpose gave \(raceOnPurpose())")
  exit(0)
}
let first = CommandLine.arguments.count > 1 ? UInt64(CommandLine.arguments[1]) ?? 1 : 1
let rounds = CommandLine.arguments.count > 2 ? UInt64(CommandLine.arguments[2]) ?? 3 : 3
var hasFailed = false
print("thread sanitizer: \(Threads.areSanitized ? "on" : "off")")
for seed in first..<(first + rounds) {
  for (shards, commit, isFile) in [
    (1, "path-copy", false), (2, "log", false), (2, "path-copy", true), (1, "log", true),
  ] {
    var trial = ReadersTrial(seed: seed)
    trial.groupCount = 1_500
    trial.batchCount = 150
    let tree = try makeTree(seed: seed, shards: shards, commit: commit, isFile: isFile)
    let outcome = try trial.run(tree)
    try tree.verify()
    let counts = tree.statistics().filter { $0.name == "cache_evictions" || $0.name == "page_reads" }
    print(
      "seed \(seed), \(shards) shards, commit \(commit), \(isFile ? "file" : "memory"): \(outcome.snapshotCount) snapshots, "
        + "\(outcome.groupCount) groups read by \(trial.readerCount) readers, "
        + counts.map { "\($0.name) \($0.value)" }.joined(separator: ", "))
    for problem in outcome.problems { print("  wrong: \(problem)") }
    hasFailed = hasFailed || !outcome.problems.isEmpty
    try tree.close()
    let small = try makeTree(seed: seed, shards: shards, commit: commit, isFile: isFile)
    let history = try HistoryRecorder.record(small, seed: seed, readerCount: 4)
    if !history.isLinearizable() {
      print("  wrong: no order explains \(history)")
      hasFailed = true
    }
    try small.close()
    guard let tree = try makeTree(seed: seed, shards: shards, commit: commit, isFile: isFile) as? BTreeEngine
    else {
      throw TrialError(sentence: "The B-tree of the catalogue is none.")
    }
    let seen = try BucketTrial(seed: seed).run(tree)
    try tree.verify()
    try tree.close()
    print("  buckets: \(seen.snapshotCount) snapshots of three buckets")
    for problem in seen.problems.prefix(5) { print("  wrong: \(problem)") }
    hasFailed = hasFailed || !seen.problems.isEmpty
  }
}
unlink(devicePath)
print(hasFailed ? "failed: a reader saw what no order of the writes explains" : "every answer was right")
exit(hasFailed ? 1 : 0)
