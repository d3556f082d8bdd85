import { create } from "@bufbuild/protobuf";
import { useState } from "preact/hooks";
import { type Problem, problem, sampling } from "../api";
import { type PolicySet, PolicySetSchema } from "../gen/triflow/sampling/v1/sampling_pb";
import { useLoad } from "../load";
import { parsePolicies, policyText, policyWords } from "../model/policy";
import { millis } from "../model/time";
import { Ago, Page, Section } from "../parts/page";
import { Empty, Fault, Show } from "../parts/states";
import { Table } from "../parts/table";

/** The sampling policies in force, and a way to replace them. */
export function SamplingPage() {
  const [draft, setDraft] = useState<{ text: string; etag: string }>();
  const loaded = useLoad(
    "policies",
    async (signal) => (await sampling.getPolicySet({}, { signal })).policySet ?? create(PolicySetSchema),
    {
      every: 10_000,
    },
  );
  return (
    <Page title="Sampling">
      <Show of={loaded}>
        {(set) => (
          <>
            <Policies
              set={set}
              onEdit={draft ? undefined : () => setDraft({ text: policyText(set), etag: set.etag })}
            />
            {draft && (
              <Editor
                current={set}
                draft={draft}
                onDraft={setDraft}
                onDone={() => {
                  setDraft(undefined);
                  loaded.reload();
                }}
                onConflict={loaded.reload}
              />
            )}
          </>
        )}
      </Show>
    </Page>
  );
}

function Policies({ set, onEdit }: { set: PolicySet; onEdit: (() => void) | undefined }) {
  return (
    <Section
      title="Policies in force"
      flush
      note={
        <>
          epoch {String(set.epoch)}, since <Ago ms={millis(set.updateTime)} />; the one that keeps most decides
        </>
      }
      actions={
        onEdit && (
          <button type="button" class="button" onClick={onEdit}>
            Edit policies
          </button>
        )
      }
    >
      {set.policies.length === 0 ? (
        <Empty title="No policy">Every trace is dropped.</Empty>
      ) : (
        <Table
          label="Policies"
          rows={set.policies}
          id={(p) => p.name}
          columns={[
            { title: "Name", width: "30%", cell: (p) => <code>{p.name}</code> },
            { title: "Keeps", cell: policyWords },
            { title: "Service", width: "160px", cell: (p) => p.service || <span class="dim">all</span> },
            {
              title: "Until",
              width: "120px",
              cell: (p) => (p.expireTime ? <Ago ms={millis(p.expireTime)} /> : <span class="dim">for ever</span>),
            },
          ]}
        />
      )}
    </Section>
  );
}

/** Edits the set that was read; if another one is in force by now, it says so and overwrites nothing. */
function Editor({
  current,
  draft,
  onDraft,
  onDone,
  onConflict,
}: {
  current: PolicySet;
  draft: { text: string; etag: string };
  onDraft: (draft: { text: string; etag: string }) => void;
  onDone: () => void;
  onConflict: () => void;
}) {
  const [fault, setFault] = useState<Problem>();
  const conflict = current.etag !== draft.etag;
  const save = async (e: Event) => {
    e.preventDefault();
    setFault(undefined);
    let policies: PolicySet["policies"];
    try {
      policies = parsePolicies(draft.text);
    } catch (thrown) {
      const message = thrown instanceof Error ? thrown.message : String(thrown);
      setFault({ code: "cannot be read", message, fields: [], passing: false });
      return;
    }
    try {
      await sampling.updatePolicySet({ policySet: { policies }, etag: draft.etag });
      onDone();
    } catch (thrown) {
      setFault(problem(thrown));
      onConflict();
    }
  };
  return (
    <Section title="Edit policies" note="as JSON; the whole set is replaced at once">
      <form class="decide" onSubmit={save}>
        <label class="field">
          Policies
          <textarea
            class="code"
            rows={18}
            spellcheck={false}
            value={draft.text}
            onInput={(e) => onDraft({ ...draft, text: e.currentTarget.value })}
          />
        </label>
        {conflict && (
          <div class="conflict" role="alert">
            <strong>Conflict:</strong> the policies were changed after you began. Those in force are shown above.
            <button type="button" class="button" onClick={() => onDraft({ ...draft, etag: current.etag })}>
              Keep my text and replace them
            </button>
            <button
              type="button"
              class="button"
              onClick={() => onDraft({ text: policyText(current), etag: current.etag })}
            >
              Take those in force
            </button>
          </div>
        )}
        {fault && <Fault problem={fault} />}
        <div class="dialog-foot">
          <button type="button" class="button" onClick={onDone}>
            Cancel
          </button>
          <button type="submit" class="button is-primary" disabled={conflict}>
            Save policies
          </button>
        </div>
      </form>
    </Section>
  );
}
