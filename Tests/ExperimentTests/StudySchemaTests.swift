// Goal: the JSON Schema is a fixed function of the vocabulary, and every study in the repository decodes.
// Method: the toy vocabulary's schema against its golden hash and against properties that must be in it; a walk over
// Experiments/ that decodes every study at every scale and plans it.

import Experiment
import Foundation
import KeyValue
import Results
import Testing

@Suite("Study: schema and committed studies")
struct StudySchemaTests {
  @Test("the schema of the toy vocabulary is the golden one")
  func golden() throws {
    let text = StudySchema.text(Toy.vocabulary)
    #expect(text == StudySchema.text(Toy.vocabulary))
    let schema = StudySchema.value(Toy.vocabulary)
    let properties = try #require(schema["properties"])
    let page = properties["engines"]?["items"]?["oneOf"]
    guard case .list(let engines)? = page else {
      Issue.record("The engines are a choice of schemas.")
      return
    }
    #expect(engines.count == 3)
    let expected = """
      {"default":4096,"description":"Bytes of a page.","maximum":65536,"minimum":512,\
      "pattern":"^[0-9][0-9_]*(\\\\.[0-9]+)? ?(B|KiB|MiB|GiB|TiB)?$","type":["integer","string"]}
      """
    #expect(engines[0]["properties"]?["parameters"]?["properties"]?["page_bytes"]?.canonicalJSON == expected)
    #expect(
      schema["required"]
        == .list(["schema", "study", "memory_budget", "engines", "phases", "workload"].map { .text($0) }))
    let hash = SHA256.hexadecimal(Array(text.utf8))
    if hash != Self.goldenHash { print(text) }
    #expect(hash == Self.goldenHash)
  }

  /// Changes only when the schema is meant to change; the text is printed when it does.
  private static let goldenHash = "a3eb9afbc62530e3d94fa841aa6c11a37b04aee0cefd38fde4dd9cb82602ec51"

  @Test("every study under Experiments decodes at every scale and can be planned")
  func committedStudies() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("Experiments").resolvingSymlinksInPath()
    let found = FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil)
    var files: [String] = []
    while let url = found?.nextObject() as? URL {
      if url.lastPathComponent == "study.yaml" { files.append(url.path) }
    }
    #expect(!files.isEmpty)
    for file in files.sorted() {
      let text = try String(contentsOfFile: file, encoding: .utf8)
      for scale in [nil] + Study.scaleNames(in: text).map({ Optional($0) }) {
        do {
          let study = try Study.load(StudyRequest(path: file, scale: scale), vocabulary: .standard)
          let plan = try Plan(study, vocabulary: .standard)
          #expect(!plan.runs.isEmpty)
          let again = try Study.decode(study.yaml, file: "rendered", vocabulary: .standard)
          #expect(again == study)
          let folder = URL(fileURLWithPath: file).deletingLastPathComponent().lastPathComponent
          #expect(study.name == folder, "A study is called as its folder is.")
        } catch {
          Issue.record("\(error)")
        }
      }
    }
  }
}
