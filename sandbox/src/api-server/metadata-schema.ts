/** The schema of metadata, which `kubectl explain` shows. */
const stringSchema = { type: 'string' };
const stringMapSchema = { type: 'object', additionalProperties: stringSchema };

/** OpenAPI schema of ObjectMeta, with the fields that users of a sandbox meet. */
export const METADATA_SCHEMA = {
  'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta': {
    type: 'object',
    description: 'Standard metadata: identity, labels, ownership and lifecycle of the object.',
    properties: {
      annotations: {
        ...stringMapSchema,
        description:
          'Annotations: key-value strings for tools and people. Selectors cannot query them.',
      },
      creationTimestamp: {
        ...stringSchema,
        format: 'date-time',
        description: 'Time at which the API server created the object.',
      },
      deletionTimestamp: {
        ...stringSchema,
        format: 'date-time',
        description: 'Time at which the deletion was requested. Finalizers delay the removal.',
      },
      finalizers: {
        type: 'array',
        items: stringSchema,
        description: 'Finalizers. The object is removed when the list is empty.',
      },
      generation: {
        type: 'integer',
        format: 'int64',
        description: 'Generation of the desired state: incremented with each change of the spec.',
      },
      labels: {
        ...stringMapSchema,
        description: 'Labels: key-value strings that selectors match.',
      },
      name: { ...stringSchema, description: 'Name of the object, unique per kind and namespace.' },
      namespace: {
        ...stringSchema,
        description: 'Namespace of the object. Empty for cluster-scoped kinds.',
      },
      ownerReferences: {
        type: 'array',
        items: { type: 'object' },
        description: 'Owners of the object. The object is deleted when all owners are deleted.',
      },
      resourceVersion: {
        ...stringSchema,
        description: 'Version of the object, for optimistic concurrency and watches.',
      },
      uid: {
        ...stringSchema,
        description:
          'Unique identifier of the object. A new object of the same name has another uid.',
      },
    },
  },
};
