// The public AWS Encryption SDK for JavaScript: node public_sdk.mjs FOLDER_WITH_NODE_MODULES <request >answer, both JSON.
//
// Request: {"keys": [{"namespace", "key_name", "key"}], "open": [message], "make": [{"plaintext", "context", "frame_length"}]}.
// Answer: {"opened": [{"plaintext", "context"} or {"error"}], "made": [message]}. Bytes are in base64; the first key writes.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const require = createRequire(`${process.argv[2]}/`);
const { buildDecrypt } = require("@aws-crypto/decrypt-node");
const { buildEncrypt } = require("@aws-crypto/encrypt-node");
const { RawAesKeyringNode, RawAesWrappingSuiteIdentifier } = require("@aws-crypto/raw-aes-keyring-node");
const { AlgorithmSuiteIdentifier, CommitmentPolicy, MultiKeyringNode } = require("@aws-crypto/material-management-node");

const policy = CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT;
const { decrypt } = buildDecrypt(policy);
const { encrypt } = buildEncrypt(policy);
const bytes = (text) => Buffer.from(text, "base64");

const request = JSON.parse(readFileSync(0, "utf8"));
function keyring(utf8Sorting) {
  const [generator, ...children] = request.keys.map(
    (key) =>
      new RawAesKeyringNode({
        keyNamespace: key.namespace,
        keyName: key.key_name,
        unencryptedMasterKey: Uint8Array.from(bytes(key.key)),
        wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
        utf8Sorting,
      }),
  );
  return new MultiKeyringNode({ generator, children });
}

// Where a wrapped data key is bound to the context, this SDK orders names by locale unless told to order them by bytes, as the
// specification says and every other SDK does (its issue 428). It reads as it comes, which a volume's two names must allow.
const reading = keyring(false);
const writing = keyring(true);

async function opened(message) {
  try {
    const { plaintext, messageHeader } = await decrypt(reading, bytes(message));
    return { plaintext: plaintext.toString("base64"), context: messageHeader.encryptionContext };
  } catch (error) {
    return { error: String(error.message) };
  }
}

async function made({ plaintext, context, frame_length: frameLength }) {
  const suiteId = AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY;
  const { result } = await encrypt(writing, bytes(plaintext), { suiteId, frameLength, encryptionContext: context });
  return result.toString("base64");
}

const answer = { opened: [], made: [] };
for (const message of request.open ?? []) answer.opened.push(await opened(message));
for (const wish of request.make ?? []) answer.made.push(await made(wish));
process.stdout.write(JSON.stringify(answer));
