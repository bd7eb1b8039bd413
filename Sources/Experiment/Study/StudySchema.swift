// The JSON Schema of studies, made from the vocabulary: what an editor checks while a study is written.
//
// It says what one key may be; what several keys say together (labels unique, theta only for skewed distributions,
// a load before a read) is the decoder's, whose word is final.
//
// Invariants
// 1. The text is a function of the vocabulary: byte-identical from run to run.
// 2. Every study the decoder accepts is valid under the schema when words that a YAML reader may take for something
//    else (`null`, and `off` under YAML 1.1) are written in quotes; the decoder itself needs none.

import KeyValue
import Primitives

/// Makes the JSON Schema (draft 2020-12) of study files.
public enum StudySchema {
  /// The schema's text; ends with a newline.
  public static func text(_ vocabulary: StudyVocabulary) -> String { value(vocabulary).json + "\n" }

  /// The schema as data.
  public static func value(_ vocabulary: StudyVocabulary) -> StudyValue {
    let root = StudyVocabulary.root
    var properties: [StudyValue.Entry] = []
    for descriptor in root where descriptor.name == "schema" { properties.append(property(descriptor)) }
    properties += [
      .init("study", identifier("The study's id.", pattern: "^[a-z0-9][a-z0-9-]{0,63}$")),
      .init("title", text("One line for figures and reports.")),
      .init("question", text("What the study asks.")),
    ]
    for descriptor in root where descriptor.name != "schema" { properties.append(property(descriptor)) }
    var device = vocabulary.device.map { property($0) }
    device.append(.init("path", text("The folder a file device makes its file in.")))
    device.append(.init("flash", flash))
    properties += [
      .init("memory_budget", budget),
      .init("device", object(device, description: "What the bytes live on.")),
      .init("workload", parameters(vocabulary.workload, description: "Keys and values.")),
      .init(
        "stream",
        text(
          "A recorded operation stream that replay phases take their operations from, relative to this file.")
      ),
      .init("commit", parameters(StudyVocabulary.commit, description: "How writes are grouped.")),
      .init(
        "engines", list(oneOf(vocabulary.engines.map { engine($0, vocabulary) }), "The engines compared.")),
      .init(
        "phases", list(oneOf(vocabulary.phases.map { phase($0, vocabulary) }), "What is done, in order.")),
      .init("axes", axes),
      .init("scales", scales),
      .init("figures", list(figure(vocabulary), "What the report draws.")),
      .init("claims", list(claim(vocabulary), "What the report checks.")),
      .init("execution", parameters(StudyVocabulary.execution, description: "How the runs are made.")),
    ]
    var required = root.filter { $0.defaultValue == nil }.map(\.name)
    required += ["study", "memory_budget", "engines", "phases"]
    if vocabulary.workload.contains(where: { $0.defaultValue == nil }) { required.append("workload") }
    guard case .map(let entries) = object(properties, description: "A Betula study.", required: required)
    else {
      preconditionFailure("An object's schema is a map.")
    }
    return .map(
      [
        .init("$schema", .text("https://json-schema.org/draft/2020-12/schema")),
        .init("title", .text("Betula study")),
      ] + entries)
  }

  private static func engine(_ engine: EngineDescriptor, _ vocabulary: StudyVocabulary) -> StudyValue {
    var summary = engine.summary
    if let reason = engine.absentBecause { summary += " Absent here: \(reason)." }
    let properties: [StudyValue.Entry] = [
      .init("engine", .map([.init("const", .text(engine.name))])),
      .init("label", identifier("The engine's name in this study; unique.", pattern: namePattern)),
      property(vocabulary.records, description: "Stands in for the workload's records."),
      property(StudyVocabulary.maximumOperations),
      .init("parameters", parameters(engine.parameters, description: "Parameters of \(engine.name).")),
    ]
    let needsParameters = engine.parameters.contains { $0.defaultValue == nil }
    let required = needsParameters ? ["engine", "parameters"] : ["engine"]
    return object(properties, description: summary, required: required)
  }

  private static func phase(_ phase: StudyVocabulary.Phase, _ vocabulary: StudyVocabulary) -> StudyValue {
    let head: [StudyValue.Entry] = [
      .init("phase", .map([.init("const", .text(phase.kind))])),
      .init("name", identifier("The name of the phase's rows; unique.", pattern: namePattern)),
    ]
    let descriptors = vocabulary.allParameters(of: phase)
    let required = descriptors.filter { $0.defaultValue == nil && $0.group == nil }.map(\.name)
    return object(head + entries(descriptors), description: phase.summary, required: ["phase"] + required)
  }

  static let namePattern = "^[a-z0-9][a-z0-9_-]{0,63}$"
  private static let pathPattern =
    "^(memory_budget|(device|workload|commit)\\.[a-z0-9_.]+|(engines|phases)\\.[a-z0-9_-]+\\.[a-z0-9_.]+)$"
  private static let settingPattern =
    "^(seed|repeats|title|question|engines|memory_budget|execution\\.jobs|(device|workload|commit)\\.[a-z0-9_.]+"
    + "|(engines|phases)\\.[a-z0-9_-]+\\.[a-z0-9_.]+)$"
  private static let scalarTypes: StudyValue = .list([.text("string"), .text("number"), .text("boolean")])

  private static var axes: StudyValue {
    let item = StudyValue.map([.init("type", scalarTypes)])
    return .map([
      .init("type", .text("object")),
      .init("description", .text("A grid: key path to the list of its values.")),
      .init("propertyNames", .map([.init("pattern", .text(pathPattern))])),
      .init(
        "additionalProperties",
        .map([.init("type", .text("array")), .init("items", item), .init("minItems", .integer(1))])),
    ])
  }

  private static var scales: StudyValue {
    let value = StudyValue.map([
      .init("type", .list([.text("string"), .text("number"), .text("boolean"), .text("array")]))
    ])
    let scale = StudyValue.map([
      .init("type", .list([.text("object"), .text("null")])),
      .init("propertyNames", .map([.init("pattern", .text(settingPattern))])),
      .init("additionalProperties", value),
    ])
    return .map([
      .init("type", .text("object")),
      .init("description", .text("Overrides by name: key path to value, or to the list of an axis.")),
      .init("additionalProperties", scale),
    ])
  }

  private static var budget: StudyValue {
    .map([
      .init("type", .list([.text("integer"), .text("string")])),
      .init("pattern", .text("^(data/[0-9][0-9_]*|\(sizePattern))$")),
      .init(
        "description", .text("What every engine may hold: a size, or a fraction of the run's data: data/8.")),
    ])
  }

  private static var flash: StudyValue {
    let capacity = StudyValue.map([
      .init("type", .list([.text("integer"), .text("string")])),
      .init("pattern", .text("^(data\\*[0-9][0-9_]*(\\.[0-9]+)?|\(sizePattern))$")),
      .init("default", .text(FlashSpec().capacity.description)),
      .init(
        "description",
        .text(
          "What the drive exports: a size, or a multiple of the run's data: data*2. At least 16 erase blocks."
        )),
    ])
    let rest = StudyVocabulary.flash.map { property($0) }
    let drive = object(
      [.init("capacity", capacity)] + rest,
      description: "A modelled flash drive, for wa_flash; without this key nothing is modelled.")
    return drive
  }

  private static let sizePattern = "[0-9][0-9_]*(\\.[0-9]+)? ?(B|KiB|MiB|GiB|TiB)?"

  /// A parameter as a property.
  private static func property(_ descriptor: ParameterDescriptor, description: String? = nil)
    -> StudyValue.Entry
  {
    var entries: [StudyValue.Entry] = []
    let types = { (names: [String]) in StudyValue.list(names.map { .text($0) }) }
    switch descriptor.kind {
    case .integer(let range):
      entries = [
        .init("type", types(["integer", "string"])), .init("pattern", .text("^-?[0-9][0-9_]*$")),
        .init("minimum", .integer(range.lowerBound)), .init("maximum", .integer(range.upperBound)),
      ]
    case .bytes(let range):
      entries = [
        .init("type", types(["integer", "string"])), .init("pattern", .text("^\(sizePattern)$")),
        .init("minimum", .integer(range.lowerBound)), .init("maximum", .integer(range.upperBound)),
      ]
    case .real(let range):
      entries = [
        .init("type", .text("number")), .init("minimum", .real(range.lowerBound)),
        .init("maximum", .real(range.upperBound)),
      ]
    case .choice(let words) where descriptor.name == "profile":
      let written = StudyValue.map([.init("pattern", .text("^calibrated(/[0-9.]+){5}$"))])
      let named = StudyValue.map([.init("enum", .list(words.map { .text($0) }))])
      entries = [.init("anyOf", .list([named, written]))]
    case .choice(let words): entries = [.init("enum", .list(words.map { .text($0) }))]
    case .boolean: entries = [.init("type", .text("boolean"))]
    }
    if let value = descriptor.defaultValue { entries.append(.init("default", StudyValue(value))) }
    entries.append(.init("description", .text(description ?? descriptor.meaning)))
    return .init(descriptor.leaf, .map(entries))
  }

  /// Parameters as properties, `mix.get_hit` in a nested object.
  private static func entries(_ descriptors: [ParameterDescriptor]) -> [StudyValue.Entry] {
    var entries: [StudyValue.Entry] = []
    for descriptor in descriptors {
      guard let group = descriptor.group else {
        entries.append(property(descriptor))
        continue
      }
      guard !entries.contains(where: { $0.key == group }) else { continue }
      let inner = descriptors.filter { $0.group == group }.map { property($0) }
      entries.append(.init(group, object(inner, description: "Weights or values by name.")))
    }
    return entries
  }

  private static func parameters(_ descriptors: [ParameterDescriptor], description: String) -> StudyValue {
    let required = descriptors.filter { $0.defaultValue == nil && $0.group == nil }.map(\.name)
    return object(entries(descriptors), description: description, required: required)
  }

  static func object(
    _ properties: [StudyValue.Entry], description: String, required: [String] = []
  ) -> StudyValue {
    var entries: [StudyValue.Entry] = [
      .init("type", .text("object")), .init("description", .text(description)),
      .init("additionalProperties", .boolean(false)), .init("properties", .map(properties)),
    ]
    if !required.isEmpty { entries.append(.init("required", .list(required.map { .text($0) }))) }
    return .map(entries)
  }

  static func list(_ item: StudyValue, _ description: String) -> StudyValue {
    .map([
      .init("type", .text("array")), .init("description", .text(description)), .init("items", item),
      .init("minItems", .integer(1)),
    ])
  }

  static func oneOf(_ items: [StudyValue]) -> StudyValue { .map([.init("oneOf", .list(items))]) }

  static func text(_ description: String) -> StudyValue {
    .map([.init("type", .text("string")), .init("description", .text(description))])
  }

  static func words(_ words: [String], _ description: String) -> StudyValue {
    .map([.init("enum", .list(words.map { .text($0) })), .init("description", .text(description))])
  }

  static func identifier(_ description: String, pattern: String) -> StudyValue {
    .map([
      .init("type", .text("string")), .init("pattern", .text(pattern)),
      .init("description", .text(description)),
    ])
  }
}
