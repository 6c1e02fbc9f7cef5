import { getDatamodel } from '../../generated/pothos.ts'
import { Uncovered } from './uncovered.ts'

/** A column of a table, as Prisma names and types it. */
export interface Column {
  name: string
  /** Prisma's type, like "String" or "DateTime". */
  type: string
  isList: boolean
  isRequired: boolean
  hasDefault: boolean
}

/** A relation of a model. All foreign keys point to the column "id". */
export interface Relation {
  /** The related model. */
  model: string
  /** The foreign key: a column of this model, or of the related one for a list. */
  key: string
  /** True if this model has the foreign key, so that there is at most one related row. */
  own: boolean
  isList: boolean
  /** True if the foreign key cannot be null. */
  isRequired: boolean
}

export interface Model {
  name: string
  columns: ReadonlyMap<string, Column>
  relations: ReadonlyMap<string, Relation>
  /** The columns of each unique key. */
  uniqueKeys: readonly (readonly string[])[]
}

interface Field {
  name: string
  type: string
  kind: string
  isList: boolean
  isRequired: boolean
  relationName?: string
  relationFromFields?: readonly string[]
  isId?: boolean
  isUnique?: boolean
  hasDefaultValue?: boolean
}

interface DatamodelEntry {
  fields: readonly Field[]
  primaryKey: { fields: readonly string[] } | null
  uniqueIndexes: readonly { fields: readonly string[] }[]
}

// Pothos types the data model without the fields of its models.
const fieldsOf = getDatamodel().datamodel.models as unknown as Record<string, DatamodelEntry>

/** The models of prisma/schema.prisma by name. */
export const MODELS: ReadonlyMap<string, Model> = new Map(
  Object.entries(fieldsOf).map(([name, entry]) => [name, readModel(name, entry)]),
)

export function modelNamed(name: string): Model {
  const model = MODELS.get(name)
  if (!model) throw new Uncovered(`model ${name}`)
  return model
}

function readModel(name: string, { fields, primaryKey, uniqueIndexes }: DatamodelEntry): Model {
  const columns = fields.filter(({ kind }) => kind !== 'object')
  const relations = fields.flatMap((field): [string, Relation][] => {
    const relation = field.kind === 'object' ? readRelation(name, field) : undefined
    return relation ? [[field.name, relation]] : []
  })
  return {
    name,
    columns: new Map(columns.map((field) => [field.name, readColumn(field)])),
    relations: new Map(relations),
    uniqueKeys: [
      ...fields.filter(({ isId, isUnique }) => isId || isUnique).map((field) => [field.name]),
      ...(primaryKey ? [primaryKey.fields] : []),
      ...uniqueIndexes.map((index) => index.fields),
    ],
  }
}

function readColumn({ name, type, isList, isRequired, hasDefaultValue = false }: Field): Column {
  return { name, type, isList, isRequired, hasDefault: hasDefaultValue }
}

/** Returns undefined for a relation with a key of several columns. */
function readRelation(owner: string, field: Field): Relation | undefined {
  const { type: model, isList, isRequired, relationFromFields: from = [] } = field
  if (from.length > 0) {
    return from.length === 1 && from[0] ? { model, key: from[0], own: true, isList, isRequired } : undefined
  }
  const back = fieldsOf[model]?.fields.find(
    (one) => one.type === owner && one.relationName === field.relationName && one.relationFromFields?.length === 1,
  )
  const key = back?.relationFromFields?.[0]
  return key ? { model, key, own: false, isList, isRequired } : undefined
}
