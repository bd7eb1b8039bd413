// swift-tools-version: 6.2
// Betula: a laboratory for external-memory dictionaries.
//
// One target is one room of the house; the arrows below are the only imports allowed.
// Rooms 0-3 (Primitives ... engines) import the standard library and the system shim only;
// libraries enter from Experiment and Report upward.

import PackageDescription

let strict: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny")
]

/// A library room and what it may import.
func room(_ name: String, imports: [Target.Dependency] = []) -> Target {
  .target(name: name, dependencies: imports, swiftSettings: strict)
}

/// The tests of one room.
func tests(_ name: String, imports: [Target.Dependency]) -> Target {
  .testTarget(name: name + "Tests", dependencies: imports, swiftSettings: strict)
}

let yams: Target.Dependency = .product(name: "Yams", package: "Yams")
let argumentParser: Target.Dependency = .product(
  name: "ArgumentParser", package: "swift-argument-parser")
let histogram: Target.Dependency = .product(name: "Histogram", package: "hdrhistogram-swift")
let mustache: Target.Dependency = .product(name: "Mustache", package: "swift-mustache")

let engines: [Target.Dependency] = ["SimpleEngines", "SQLiteBaseline", "BTree", "BEpsilonTree"]

let package = Package(
  name: "Betula",
  products: [
    .executable(name: "betula", targets: ["betula"]),
    .executable(name: "concurrency-trial", targets: ["concurrency-trial"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", exact: "0.2.0"),
    .package(url: "https://github.com/hummingbird-project/swift-mustache", exact: "2.1.1"),
  ],
  targets: [
    // System pieces.
    .target(name: "CSystem"),
    .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),

    // 0-1
    room("Primitives", imports: ["CSystem"]),
    room("Accounting", imports: ["Primitives"]),

    // 2
    room("Storage", imports: ["Accounting", "Primitives", "CSystem"]),
    room("KeyValue", imports: ["Accounting", "Primitives"]),
    room("Results", imports: ["Accounting", "Primitives"]),
    room("CostModel", imports: ["Primitives"]),

    // 3
    room("SimpleEngines", imports: ["KeyValue", "Storage", "Accounting", "Primitives"]),
    room(
      "SQLiteBaseline",
      imports: ["KeyValue", "Storage", "Accounting", "Primitives", "CSQLite"]),
    room("BTree", imports: ["KeyValue", "Storage", "Accounting", "Primitives", "CSystem"]),
    room("BEpsilonTree", imports: ["KeyValue", "Storage", "Accounting", "Primitives", "CSystem"]),
    room("Workload", imports: ["KeyValue", "Primitives"]),

    // 4
    room(
      "EngineCatalogue",
      imports: engines + ["KeyValue", "Storage", "Accounting", "Primitives"]),
    room(
      "Experiment",
      imports: [
        "EngineCatalogue", "Workload", "Storage", "KeyValue", "Results", "Accounting",
        "Primitives", "CSystem", yams, histogram,
      ]),
    room(
      "Trials",
      imports: [
        "EngineCatalogue", "Workload", "Storage", "KeyValue", "Accounting", "Primitives",
      ]),
    room(
      "Report",
      imports: ["Results", "CostModel", "Accounting", "Primitives", mustache]),

    // 5
    .executableTarget(
      name: "betula",
      dependencies: [
        "Experiment", "Report", "Trials", "Results", "EngineCatalogue", "Workload", "KeyValue",
        "Storage", "Accounting", "Primitives", "CSystem", argumentParser,
      ],
      swiftSettings: strict),

    // The program that Scripts/sanitize runs.
    .executableTarget(
      name: "concurrency-trial",
      dependencies: ["BTree", "EngineCatalogue", "KeyValue", "Storage", "Accounting", "Primitives"],
      swiftSettings: strict),

    // Tests
    // Counts allocations; in front of the system's allocator, for test programs only.
    .target(name: "CAllocationCount", path: "Tests/CAllocationCount"),
    tests("Primitives", imports: ["Primitives", "CSystem"]),
    tests("Accounting", imports: ["Accounting", "Primitives"]),
    tests("Storage", imports: ["Storage", "Accounting", "Primitives", "CSystem"]),
    tests("KeyValue", imports: ["KeyValue", "Primitives"]),
    tests("Workload", imports: ["Workload", "KeyValue", "Primitives"]),
    tests("CostModel", imports: ["CostModel", "Primitives"]),
    tests("Results", imports: ["Results", "Accounting", "Primitives"]),
    tests(
      "Trials",
      imports: ["Trials", "EngineCatalogue", "Workload", "Storage", "KeyValue", "Accounting", "Primitives"]),
    tests(
      "BTree",
      imports: [
        "BTree", "Trials", "EngineCatalogue", "KeyValue", "Storage", "Accounting", "Primitives",
        "CAllocationCount",
      ]),
    tests(
      "BEpsilonTree",
      imports: [
        "BEpsilonTree", "Trials", "EngineCatalogue", "KeyValue", "Storage", "Accounting", "Primitives",
        "CAllocationCount",
      ]),
    tests(
      "Engine",
      imports: engines + [
        "Trials", "EngineCatalogue", "Workload", "KeyValue", "Storage", "Accounting", "Primitives", "CSQLite",
      ]),
    tests(
      "Experiment",
      imports: [
        "Experiment", "EngineCatalogue", "Workload", "Results", "KeyValue", "Storage",
        "Accounting", "Primitives",
      ]),
    tests("Report", imports: ["Report", "Results", "Accounting", "Primitives"]),
    tests(
      "CommandLine",
      imports: ["betula", "Experiment", "Report", "Results", "Accounting", "Primitives"]),
  ],
  swiftLanguageModes: [.v6]
)
